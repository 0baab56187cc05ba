"""Named shapes of U-Nets."""

from __future__ import annotations

from typing import Any

from quantunet_hls.core.errors import UnknownNameError

__all__ = ["ARCHITECTURES", "shape_of"]

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "tiny": {"depth": 2, "base_channels": 4},
    "small": {"depth": 3, "base_channels": 8},
    # Ronneberger et al., arXiv 1505.04597, with "same" padding and nearest upsampling: 23 convolutions.
    "original": {"depth": 4, "base_channels": 64},
    # AskariHemmat et al., arXiv 1908.01073: 4.83 M weights and biases; theirs upsamples bilinearly.
    "fixedpoint_paper": {
        "depth": 3, "base_channels": 64, "channels": (64, 128, 256, 256), "up_convolution": False,
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
