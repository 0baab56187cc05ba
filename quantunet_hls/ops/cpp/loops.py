"""hls4ml's loops over the pixels of an image as actors: a beat is a pixel."""

from __future__ import annotations

import numpy as np

from quantunet_hls.folding.schedule import Actor, Reading
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.network import Layer

__all__ = ["LATENCY", "handed_on", "one_clock", "pixelwise", "reading", "window_loop"]

#: Pixels that a loop has read beyond those that its line buffer holds: the one in work.
_IN_WORK = 2

#: Clocks from a pixel's products to its place in the stream, about.
LATENCY = 12


def reading(source: str, pixels: int, needed: np.ndarray) -> Reading:
    """Pixels that are read in order; ``needed`` is the one each firing reads, -1 where it reads none."""
    released = np.maximum.accumulate(needed) + 1
    return Reading(source, pixels, np.arange(pixels), needed, released, _IN_WORK)


def one_clock(cpp: CppLayer, readings: tuple[Reading, ...], firings: int) -> Actor:
    """A pixel out a clock."""
    return Actor(cpp.name, readings, np.ones(firings, np.int64), np.ones(firings, bool), 2)


def pixelwise(layer: Layer, cpp: CppLayer) -> Actor:
    """A pixel of each input in, a pixel out."""
    return _each_pixel(cpp, layer.shape.pixels)


def handed_on(cpp: CppLayer) -> Actor:
    """The same of a function that computes nothing."""
    return _each_pixel(cpp, cpp.inputs[0].shape.pixels)


def _each_pixel(cpp: CppLayer, number: int) -> Actor:
    pixels = np.arange(number)
    return one_clock(cpp, tuple(reading(stream.writer, number, pixels) for stream in cpp.inputs), number)


def window_loop(cpp: CppLayer, window: tuple[int, int], stride: tuple[int, int]) -> Actor:
    """A loop over the pixels of the input that writes where a window of so many rows and columns is complete."""
    (stream,) = cpp.inputs
    sizes = stream.shape.height, stream.shape.width
    complete = np.ones(sizes, bool)
    for axis in (0, 1):
        place = np.arange(sizes[axis]) - (window[axis] - 1)
        ends = (place >= 0) & (place % stride[axis] == 0)
        complete &= ends[:, None] if axis == 0 else ends[None, :]
    writes = complete.reshape(-1)
    return Actor(cpp.name, (reading(stream.writer, len(writes), np.arange(len(writes))),),
                 np.where(writes, cpp.reuse, 1).astype(np.int64), writes, LATENCY)
