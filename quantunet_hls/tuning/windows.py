"""Some of the values of a tensor, and of the windows that a convolution reads, with the moments that these have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from onnx import NodeProto
from torch import Tensor
from torch.nn import functional

from quantunet_hls.ops.qonnx.graph import attribute
from quantunet_hls.tuning.rounding import Moments, moments

__all__ = ["picked", "sampled", "window_moments", "window_places"]

#: Values kept of a tensor, and windows of a convolution.
_SAMPLES, _WINDOWS = 40_000, 6_000


def sampled(tensor: Tensor, random: np.random.Generator) -> np.ndarray:
    """Some of a tensor's values, all of a small one's; float64, of one axis."""
    flat = tensor.reshape(-1).double().numpy()
    return flat if flat.size <= _SAMPLES else random.choice(flat, _SAMPLES, replace=False)


def window_places(shape: Sequence[int], random: np.random.Generator) -> np.ndarray:
    """Which of a convolution's results (images, filters, rows, columns) are looked at, by images, rows and columns."""
    count = shape[0] * shape[2] * shape[3]
    return np.arange(count) if count <= _WINDOWS else random.choice(count, _WINDOWS, replace=False)


def picked(sums: Tensor, places: np.ndarray) -> np.ndarray:
    """The results (places, filters) at these places of all (images, filters, rows, columns)."""
    image, y, x = _axes(sums.shape, places)
    return sums[image, :, y, x].double().numpy()


def window_moments(node: NodeProto, image: Tensor, kernel: tuple[int, int], places: np.ndarray,
                   wanted: np.ndarray) -> Moments:
    """Moments of a convolution's windows and of the sums that it should have.

    Args:
        node: the convolution.
        image: what it reads (images, channels, rows, columns).
        kernel: rows and columns of its windows.
        places: of the windows (:func:`window_places`).
        wanted: the sums (places, filters).
    """
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    down, across = attribute(node, "strides", [1, 1])
    rows, columns = attribute(node, "dilations", [1, 1])
    groups = attribute(node, "group", 1)
    padded = functional.pad(image, (left, right, top, bottom))
    height = (padded.shape[2] - rows * (kernel[0] - 1) - 1) // down + 1
    width = (padded.shape[3] - columns * (kernel[1] - 1) - 1) // across + 1
    first, y, x = _axes((len(image), 1, height, width), places)
    taps = torch.stack([padded[first, :, y * down + row * rows, x * across + column * columns]
                        for row in range(kernel[0]) for column in range(kernel[1])], dim=1)
    # (windows, taps, channels) to (windows, groups, taps and channels of the group).
    patches = taps.reshape(len(places), taps.shape[1], groups, -1).permute(0, 2, 1, 3).reshape(len(places), groups, -1)
    return moments(patches.numpy(), wanted.reshape(len(places), groups, -1))


def _axes(shape: Sequence[int], places: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    image, y, x = np.unravel_index(places, (shape[0], shape[2], shape[3]))
    return torch.from_numpy(image), torch.from_numpy(y), torch.from_numpy(x)
