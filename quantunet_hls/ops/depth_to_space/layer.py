"""Channels that become pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.network import Layer

__all__ = ["DepthToSpace", "places_of_channels"]


@dataclass(frozen=True, eq=False)
class DepthToSpace(Layer):
    """Every pixel becomes a block of pixels, each with as many channels fewer: sub-pixel convolution's last step.

    Attributes:
        block: rows and columns of a block.
        pixelwise: whether all channels of a block's first pixel stand first (ONNX's DCR), or one channel of all its
            pixels (CRD, which is PyTorch's PixelShuffle).
    """

    kind: ClassVar[str] = "depth_to_space"

    block: int
    pixelwise: bool


def places_of_channels(channels: int, block: int, *, pixelwise: bool) -> np.ndarray:
    """Where the channels of a block's pixels stand in the pixel that comes in: (rows, columns, channels of a pixel)."""
    places = np.arange(channels)
    if pixelwise:
        return places.reshape(block, block, -1)
    return np.moveaxis(places.reshape(-1, block, block), 0, -1)
