"""The stream graph computed with numpy on integers: what the hardware must give, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.stages.base import apply_stages
from quantunet_hls.ops.streaming import (
    ArgMax,
    Concat,
    Convolution,
    Depthwise,
    Layer,
    Pointwise,
    Pooling,
    Step,
    StreamGraph,
    Upsample,
    Window,
    ZeroInsertion,
)
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["apply_steps", "execute"]


def execute(graph: StreamGraph, frames: Integers) -> dict[str, Integers]:
    """Codes (frames, height, width, channels) that every layer puts out."""
    values: dict[str, Integers] = {graph.input.name: np.asarray(frames, np.int64)}
    for layer in graph.layers[1:]:
        values[layer.name] = _layer(layer, [values[name] for name in layer.sources])
    return values


def _layer(layer: Layer, sources: Sequence[Integers]) -> Integers:
    x = sources[0]
    if isinstance(layer, Convolution):
        return apply_steps(layer.bias + sum(
            tap @ layer.weights[row, column] for row, column, tap in _taps(layer.window, x)),
            layer.accumulator, layer.steps)
    if isinstance(layer, Depthwise):
        return apply_steps(layer.bias + sum(
            tap * layer.weights[row, column] for row, column, tap in _taps(layer.window, x)),
            layer.accumulator, layer.steps)
    if isinstance(layer, Pooling):
        taps = np.stack([tap for _, _, tap in _taps(layer.window, x, layer.fill)])
        merged = taps.max(axis=0) if layer.operation == "max" else taps.sum(axis=0)
        return apply_steps(merged, layer.accumulator, layer.steps)
    if isinstance(layer, Upsample):
        return x.repeat(layer.factor[0], axis=1).repeat(layer.factor[1], axis=2)
    if isinstance(layer, ZeroInsertion):
        result = np.zeros((len(x), layer.shape.height, layer.shape.width, layer.shape.channels), np.int64)
        result[:, :: layer.factor[0], :: layer.factor[1]][:, : x.shape[1], : x.shape[2]] = x
        return result
    if isinstance(layer, ArgMax):
        return np.asarray(x.argmax(axis=3)[..., None], np.int64)
    if isinstance(layer, Concat):
        return np.concatenate(sources, axis=3)
    if isinstance(layer, Pointwise):
        return apply_steps(x, layer.input_type, layer.steps)
    raise IllegalGraphError(layer.name, f"there is no arithmetic for a layer of kind {layer.kind!r}", "use another")


def _taps(window: Window, x: Integers, fill: int = 0) -> list[tuple[int, int, Integers]]:
    """(kernel row, kernel column, what that tap sees at every place of the window)."""
    top, bottom, left, right = window.padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    rows = (padded.shape[1] - window.span[0]) // window.stride[0] + 1
    columns = (padded.shape[2] - window.span[1]) // window.stride[1] + 1
    taps = []
    for row in range(window.kernel[0]):
        for column in range(window.kernel[1]):
            y, z = row * window.dilation[0], column * window.dilation[1]
            taps.append((row, column, padded[:, y: y + (rows - 1) * window.stride[0] + 1: window.stride[0],
                                             z: z + (columns - 1) * window.stride[1] + 1: window.stride[1]]))
    return taps


def apply_steps(codes: Integers, source: FixedType, steps: Sequence[Step]) -> Integers:
    """Codes of ``source`` through casts and activations."""
    return apply_stages(codes, source, steps)
