"""hls4ml's loops over the pixels of an image as actors: a beat is a pixel."""

from __future__ import annotations

import numpy as np

from quantunet_hls.folding.actors import Actor, Reading
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.window import Window

__all__ = ["LATENCY", "handed_on", "one_clock", "pixelwise", "reading", "window_loop", "window_rows"]

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


def window_rows(cpp: CppLayer, result: Shape, window: Window, clocks: int = 1) -> Actor:
    """A loop over rows of windows: the rows of the image that they need are read, then each takes so many clocks.

    What is left over of the image comes last.
    """
    (stream,) = cpp.inputs
    height, width = stream.shape.height, stream.shape.width
    needed: list[np.ndarray] = []
    received = 0
    for row in range(result.height):
        last = max(min(row * window.stride[0] - window.padding[0] + window.span[0], height), received)
        needed += [np.arange(received * width, last * width), np.full(result.width, -1)]
        received = last
    read = np.concatenate([*needed, np.arange(received * width, height * width)])
    return Actor(cpp.name, (reading(stream.writer, height * width, read),),
                 np.where(read < 0, clocks, 1).astype(np.int64), read < 0, LATENCY)
