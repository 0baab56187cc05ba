"""From a trained, quantized U-Net to an FPGA accelerator that computes the same integers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantunet_hls.accelerator import Accelerator, generate_accelerator
    from quantunet_hls.errors import QuantUNetError
    from quantunet_hls.nets import QuantUNet, UNetConfig
else:
    # Hidden from type checkers, who would take any name at all for one of ours.
    from quantunet_hls.lazy import lazily

    __getattr__ = lazily(__name__, {
        "Accelerator": "accelerator",
        "generate_accelerator": "accelerator",
        "QuantUNetError": "errors",
        "QuantUNet": "nets",
        "UNetConfig": "nets",
    })

__all__ = ["Accelerator", "QuantUNet", "QuantUNetError", "UNetConfig", "generate_accelerator"]
