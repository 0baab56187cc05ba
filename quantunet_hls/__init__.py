"""From a trained, quantized U-Net to an FPGA accelerator that computes the same integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quantunet_hls.accelerator import Accelerator, generate_accelerator
    from quantunet_hls.errors import QuantUNetError
    from quantunet_hls.nets import QuantUNet, UNetConfig

__all__ = ["Accelerator", "QuantUNet", "QuantUNetError", "UNetConfig", "generate_accelerator"]

_HOMES = {
    "Accelerator": "accelerator",
    "generate_accelerator": "accelerator",
    "QuantUNetError": "errors",
    "QuantUNet": "nets",
    "UNetConfig": "nets",
}


def __getattr__(name: str) -> Any:
    # torch and hls4ml take seconds to import, so nothing is until it is asked for.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
