"""hls4ml's loops over the pixels of an image as actors: a beat is a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from quantunet_hls.folding.schedule import Actor, Reading

__all__ = ["LATENCY", "image_shape", "one_clock", "pixelwise", "reading", "window_loop"]

#: Pixels that a loop has read beyond those that its line buffer holds: the one in work.
_IN_WORK = 2

#: Clocks from a pixel's products to its place in the stream, about.
LATENCY = 12


def image_shape(variable: Any) -> tuple[int, int, int]:
    """Height, width and channels of one of hls4ml's variables."""
    height, width, channels = (int(size) for size in variable.shape)
    return height, width, channels


def reading(source: str, pixels: int, needed: np.ndarray) -> Reading:
    """Pixels that are read in order; ``needed`` is the one each firing reads, -1 where it reads none."""
    released = np.maximum.accumulate(needed) + 1
    return Reading(source, pixels, np.arange(pixels), needed, released, _IN_WORK)


def one_clock(layer: Any, readings: tuple[Reading, ...], firings: int) -> Actor:
    """A pixel out a clock."""
    return Actor(layer.name, readings, np.ones(firings, np.int64), np.ones(firings, bool), 2)


def pixelwise(layer: Any, sources: Sequence[str]) -> Actor:
    """A pixel of each input in, a pixel out."""
    height, width, _ = image_shape(layer.get_output_variable())
    pixels = np.arange(height * width)
    return one_clock(layer, tuple(reading(source, len(pixels), pixels) for source in sources), len(pixels))


def window_loop(layer: Any, sources: Sequence[str], prefix: str) -> Actor:
    """A loop over the pixels of the input that writes where a window, whose sizes have this prefix, is complete."""
    height, width, _ = image_shape(layer.get_input_variable())
    complete = np.ones((height, width), bool)
    for axis, side in enumerate(("height", "width")):
        size, stride = int(layer.get_attr(f"{prefix}_{side}")), int(layer.get_attr(f"stride_{side}"))
        place = np.arange((height, width)[axis]) - (size - 1)
        ends = (place >= 0) & (place % stride == 0)
        complete &= ends[:, None] if axis == 0 else ends[None, :]
    writes = complete.reshape(-1)
    reuse = int(layer.get_attr("reuse_factor", 1) or 1)
    return Actor(layer.name, (reading(sources[0], len(writes), np.arange(len(writes))),),
                 np.where(writes, reuse, 1).astype(np.int64), writes, LATENCY)
