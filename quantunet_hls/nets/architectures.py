"""Named shapes of U-Nets."""

from __future__ import annotations

from typing import Any

from quantunet_hls.core.errors import UnknownNameError

__all__ = ["ARCHITECTURES", "shape_of"]

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "tiny": {"depth": 2, "base_channels": 4},
    "small": {"depth": 3, "base_channels": 8},
    # Ronneberger et al., arXiv 1505.04597, with "same" padding: 23 convolutions, 31.0 M weights and biases.
    "original": {"depth": 4, "base_channels": 64, "upsampling": "transposed"},
    # AskariHemmat et al., arXiv 1908.01073: 4.83 M weights and biases, 4.84 M with BatchNorm's.
    "fixedpoint_paper": {
        "depth": 3, "base_channels": 64, "channels": (64, 128, 256, 256), "upsampling": "bilinear",
        "up_convolution": False,
    },
}


def shape_of(name: str) -> dict[str, Any]:
    """Settings of :class:`~quantunet_hls.nets.UNetConfig` for a named shape.

    Raises:
        UnknownNameError: there is none of that name; names the nearest.
    """
    if name not in ARCHITECTURES:
        raise UnknownNameError("architecture", name, ARCHITECTURES)
    return dict(ARCHITECTURES[name])
