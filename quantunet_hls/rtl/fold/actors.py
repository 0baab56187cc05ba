"""The stream graph as actors for :mod:`quantunet_hls.folding.schedule`: what each layer reads and writes, and when."""

from __future__ import annotations

from math import lcm

import numpy as np

from quantunet_hls.folding.schedule import Actor, Reading
from quantunet_hls.ops.streaming import (
    ArgMax,
    Concat,
    Convolution,
    Depthwise,
    Input,
    Layer,
    Pointwise,
    Pooling,
    StreamGraph,
    Upsample,
    Window,
    ZeroInsertion,
)

__all__ = ["actors"]

#: Words that a unit without a line buffer takes in ahead: its pipeline's registers.
_PREFETCH = 2

#: Clocks from the last word of a dot product to its beat on the stream, beside adder levels and requantization:
#: line buffer, operands, product, accumulator, results' FIFO, the edge's FIFO.
_DATAPATH = 8


def actors(graph: StreamGraph) -> list[Actor]:
    """Every layer as an actor, in the graph's order."""
    return [_actor(graph, layer) for layer in graph.layers]


def _actor(graph: StreamGraph, layer: Layer) -> Actor:
    sources = [graph[name] for name in layer.sources]
    if isinstance(layer, Input):
        return _one_clock(layer, (), layer.beats)
    if isinstance(layer, Convolution | Depthwise | Pooling):
        return _windowed(layer, sources[0])
    if isinstance(layer, Upsample):
        return _repeating(layer, sources[0])
    if isinstance(layer, Concat):
        return _joining(layer, sources)
    if isinstance(layer, Pointwise):
        beats = np.arange(layer.beats)
        return _one_clock(layer, (_reading(layer, sources[0], beats, beats + 1, _PREFETCH),), layer.beats)
    if isinstance(layer, ZeroInsertion):
        return _spreading(layer, sources[0])
    if isinstance(layer, ArgMax):
        return _comparing(layer, sources[0])
    raise TypeError(f"a layer of kind {layer.kind!r} has no actor")


def _one_clock(layer: Layer, readings: tuple[Reading, ...], firings: int) -> Actor:
    """A firing a beat, a clock each."""
    return Actor(layer.name, readings, np.ones(firings, np.int64), np.ones(firings, bool), 3)


def _reading(layer: Layer, source: Layer, needed: np.ndarray, released: np.ndarray, room: int) -> Reading:
    """A reading of words of ``layer.input_lanes`` channels, behind a width adapter where the source has others."""
    words = source.shape.pixels * source.shape.channels // layer.input_lanes
    last_channel = (np.arange(words) + 1) * layer.input_lanes
    # The adapter first collects a whole multiple of both widths, where the source's does not hold one.
    common = lcm(source.lanes, layer.input_lanes)
    if common > source.lanes:
        last_channel = -(-last_channel // common) * common
    return Reading(source.name, words, (last_channel - 1) // source.lanes, needed, released, room)


def _windowed(layer: Convolution | Depthwise | Pooling, source: Layer) -> Actor:
    shape, window = layer.input_shape, layer.window
    words = shape.channels // layer.input_lanes
    repeats = layer.neuron_fold if isinstance(layer, Convolution) else words
    rows, columns = window.output(shape)
    top, left = window.padding[0], window.padding[2]
    row = np.repeat(np.arange(rows) * window.stride[0] - top, columns)
    column = np.tile(np.arange(columns) * window.stride[1] - left, rows)
    last = (_last_inside(row, 0, window, shape.height) * shape.width
            + _last_inside(column, 1, window, shape.width))
    first = row * shape.width + column
    following = np.append(first[1:], first[0] + shape.pixels)
    pass_ = np.tile(np.arange(repeats), len(row))
    if isinstance(layer, Convolution):
        needed = np.repeat((last + 1) * words - 1, repeats)
        clocks, levels = layer.synapse_fold, (layer.simd - 1).bit_length()
    else:
        # Channel group by channel group, all taps of one at a time.
        needed = np.repeat(last * words, repeats) + pass_
        clocks, levels = window.taps, 0
    released = np.where(pass_ == repeats - 1, np.repeat(following, repeats), np.repeat(first, repeats)) * words
    room = (window.reach(shape.width) + layer.slack) * words
    if window == Window((1, 1)) and repeats == 1:
        room = words + _PREFETCH
    return Actor(layer.name, (_reading(layer, source, needed, released, room),),
                 np.full(len(needed), clocks, np.int64), np.ones(len(needed), bool),
                 _DATAPATH + levels + 2 * len(layer.steps))


def _last_inside(first: np.ndarray, axis: int, window: Window, size: int) -> np.ndarray:
    """Row or column of each window's last tap that lies in the image."""
    step = window.dilation[axis]
    beyond = np.maximum(first + step * (window.kernel[axis] - 1) - (size - 1), 0)
    return first + step * (window.kernel[axis] - 1 - -(-beyond // step))


def _repeating(layer: Upsample, source: Layer) -> Actor:
    shape = layer.input_shape
    words = shape.channels // layer.lanes
    row = shape.width * words
    pixels = np.repeat(np.arange(shape.width), layer.factor[1])
    one_row = (pixels[:, None] * words + np.arange(words)).reshape(-1)
    rows = np.repeat(np.arange(shape.height), layer.factor[0])
    needed = (rows[:, None] * row + one_row).reshape(-1)
    last_of_row = np.zeros((shape.height, layer.factor[0], len(one_row)), np.int64)
    last_of_row[:, -1, -1] = 1
    released = (np.arange(shape.height)[:, None, None] + last_of_row).reshape(-1) * row
    return _one_clock(layer, (_reading(layer, source, needed, released, 2 * row),), layer.beats)


def _spreading(layer: ZeroInsertion, source: Layer) -> Actor:
    shape = layer.input_shape
    words = shape.channels // layer.lanes
    places = np.full((layer.shape.height, layer.shape.width, words), -1, np.int64)
    places[:: layer.factor[0], :: layer.factor[1]][: shape.height, : shape.width] = np.arange(
        shape.pixels * words).reshape(shape.height, shape.width, words)
    needed = places.reshape(-1)
    return _one_clock(layer, (_reading(layer, source, needed, np.maximum.accumulate(needed) + 1, 0),),
                      layer.beats)


def _comparing(layer: ArgMax, source: Layer) -> Actor:
    beats = np.arange(layer.cycles)
    last = beats % (layer.input_shape.channels // layer.simd) == layer.input_shape.channels // layer.simd - 1
    return Actor(layer.name, (_reading(layer, source, beats, beats + 1, _PREFETCH),),
                 np.ones(len(beats), np.int64), last, 3 + (layer.simd - 1).bit_length())


def _joining(layer: Concat, sources: list[Layer]) -> Actor:
    counts = [channels // layer.lanes for channels in layer.channels]
    turn = np.tile(np.repeat(np.arange(len(counts)), counts), layer.shape.pixels)
    readings = []
    for index, source in enumerate(sources):
        mine = turn == index
        taken = np.cumsum(mine)
        readings.append(_reading(layer, source, np.where(mine, taken - 1, -1), taken, _PREFETCH))
    return _one_clock(layer, tuple(readings), len(turn))
