"""From a trained, quantized U-Net to an FPGA accelerator that computes the same integers."""

import os
from typing import TYPE_CHECKING

# onnxruntime 1.31 sends reports on its use to its maker, unless this is set before it is imported. No data of
# anybody's leaves the machine because of this package.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from quantunet_hls.core.errors import QuantUNetError
    from quantunet_hls.flow.accelerator import Accelerator, generate_accelerator
    from quantunet_hls.nets import QuantUNet, UNetConfig
else:
    # Hidden from type checkers, who would take any name at all for one of ours.
    from quantunet_hls.core.lazy import lazily

    __getattr__ = lazily(__name__, {
        "Accelerator": "flow.accelerator",
        "generate_accelerator": "flow.accelerator",
        "QuantUNetError": "core.errors",
        "QuantUNet": "nets",
        "UNetConfig": "nets",
    })

__all__ = ["Accelerator", "QuantUNet", "QuantUNetError", "UNetConfig", "generate_accelerator"]
