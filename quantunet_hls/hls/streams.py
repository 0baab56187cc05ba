"""hls4ml's streams at the depths that they need, instead of a whole feature map each.

hls4ml 1.3.0 gives every ``io_stream`` channel as many entries as its image has
pixels; its own sizing needs the vendor's co-simulation. Here each layer's C++ is
described pixel by pixel (what it reads, when it writes), and
:mod:`quantunet_hls.folding.schedule` finds the depths. What a pixel costs beyond
its reuse factor only the vendor's tool knows, so the depths are an estimate, with
a row of the image to spare wherever beats have to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hls4ml.model.graph import ModelGraph

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.schedule import LEAST_DEPTH, fifo_depths
from quantunet_hls.ops.actors import Actor, Reading

__all__ = ["actors", "set_stream_depths", "stream_bits", "stream_sizes"]

#: Pixels that a loop has read beyond those that its line buffer holds: the one in work.
_IN_WORK = 2

#: Clocks from a pixel's products to its place in the stream, about.
_LATENCY = 12


def actors(model: ModelGraph) -> list[Actor]:
    """Every layer of a converted model as an actor whose beats are pixels, in the model's order.

    Raises:
        IllegalGraphError: a layer kind whose loops are not known here.
    """
    made = []
    streams = list(_streams(model))
    for layer in model.get_layers():
        if layer.class_name not in _KINDS:
            raise IllegalGraphError(layer.name, f"the streams of a layer of kind {layer.class_name!r} can't be sized",
                                    "use a layer that is listed in the README")
        sources = [writer.name for writer, _, reader in streams if reader is layer]
        made.append(_KINDS[layer.class_name](layer, sources))
    return made


def set_stream_depths(model: ModelGraph) -> None:
    """Give every stream between two layers of a converted model its depth.

    Raises:
        IllegalGraphError: a layer kind whose loops are not known here.
    """
    depths = fifo_depths(actors(model))
    for writer, tensor, reader in _streams(model):
        variable = writer.get_output_variable(tensor)
        depth = depths[f"{writer.name}->{reader.name}"]
        if depth > LEAST_DEPTH:
            # In a small image a skip may have to hold more than a frame, which hls4ml's own depth can't.
            depth += _shape(variable)[1]
        variable.pragma = (variable.pragma[0], depth)


def stream_bits(model: ModelGraph) -> tuple[int, int]:
    """Bits of all streams between layers: at the depths that they have, and at hls4ml's own, a feature map each."""
    bits = whole = 0
    for (writer, tensor, _), (depth, pixel) in zip(_streams(model), stream_sizes(model), strict=True):
        height, width, _ = _shape(writer.get_output_variable(tensor))
        bits += depth * pixel
        whole += height * width * pixel
    return bits, whole


def stream_sizes(model: ModelGraph) -> list[tuple[int, int]]:
    """Words of every stream between two layers, at the depths that they have, and bits of a word: of a pixel."""
    variables = (writer.get_output_variable(tensor) for writer, tensor, _ in _streams(model))
    return [(int(variable.pragma[1]), _shape(variable)[2] * int(variable.type.precision.width))
            for variable in variables]


def _streams(model: ModelGraph) -> Iterator[tuple[Any, str, Any]]:
    """Every stream between two layers: its writer, its tensor, its reader."""
    writers = {tensor: layer for layer in model.get_layers() for tensor in layer.outputs}
    for reader in model.get_layers():
        for tensor in reader.inputs:
            # The network's input is read from outside.
            if tensor in writers:
                yield writers[tensor], tensor, reader


def _shape(variable: Any) -> tuple[int, int, int]:
    height, width, channels = (int(size) for size in variable.shape)
    return height, width, channels


def _reading(source: str, pixels: int, needed: np.ndarray) -> Reading:
    """Pixels that are read in order; ``needed`` is the one each firing reads, -1 where it reads none."""
    released = np.maximum.accumulate(needed) + 1
    return Reading(source, pixels, np.arange(pixels), needed, released, _IN_WORK)


def _one_clock(layer: Any, readings: tuple[Reading, ...], firings: int) -> Actor:
    """A pixel out a clock."""
    return Actor(layer.name, readings, np.ones(firings, np.int64), np.ones(firings, bool), 2)


def _pixelwise(layer: Any, sources: list[str]) -> Actor:
    """A pixel of each input in, a pixel out."""
    variable = layer.get_output_variable()
    # Every source brings as many pixels as go out; the network's output alone may have its channels first.
    height, width, _ = _shape(variable if layer.class_name != "Transpose" else layer.get_input_variable())
    pixels = np.arange(height * width)
    readings = tuple(_reading(source, len(pixels), pixels) for source in sources)
    return _one_clock(layer, readings, len(pixels))


def _padding(layer: Any, sources: list[str]) -> Actor:
    height, width, _ = _shape(layer.get_input_variable())
    top, bottom, left, right = (int(layer.get_attr(f"pad_{side}")) for side in ("top", "bottom", "left", "right"))
    inside = np.pad(np.arange(height * width).reshape(height, width), ((top, bottom), (left, right)),
                    constant_values=-1).reshape(-1)
    return _one_clock(layer, (_reading(sources[0], height * width, inside),), len(inside))


def _zeros(layer: Any, sources: list[str]) -> Actor:
    """A pixel out a clock; one in where it is no zero."""
    height, width, _ = _shape(layer.get_input_variable())
    needed = np.full(_shape(layer.get_output_variable())[:2], -1, np.int64)
    rows, columns = int(layer.get_attr("factor_height")), int(layer.get_attr("factor_width"))
    needed[::rows, ::columns][:height, :width] = np.arange(height * width).reshape(height, width)
    return _one_clock(layer, (_reading(sources[0], height * width, needed.reshape(-1)),), needed.size)


def _rows_of_windows(layer: Any, sources: list[str]) -> Actor:
    """The rows that a row of windows needs are read, then the windows are written; what is left over comes last."""
    height, width, _ = _shape(layer.get_input_variable())
    out_height, out_width, _ = _shape(layer.get_output_variable())
    stride, top, rows = (int(layer.get_attr(name)) for name in ("stride_height", "pad_top", "pool_height"))
    needed: list[np.ndarray] = []
    received = 0
    for row in range(out_height):
        last = min(row * stride - top + rows, height)
        needed += [np.arange(received * width, max(last, received) * width), np.full(out_width, -1)]
        received = max(last, received)
    read = np.concatenate([*needed, np.arange(received * width, height * width)])
    return Actor(layer.name, (_reading(sources[0], height * width, read),), np.ones(len(read), np.int64), read < 0,
                 _LATENCY)


def _window(prefix: str) -> Callable[[Any, list[str]], Actor]:
    """A loop over the pixels of the input that writes where a window is complete."""
    def actor(layer: Any, sources: list[str]) -> Actor:
        height, width, _ = _shape(layer.get_input_variable())
        complete = np.ones((height, width), bool)
        for axis, side in enumerate(("height", "width")):
            size, stride = int(layer.get_attr(f"{prefix}_{side}")), int(layer.get_attr(f"stride_{side}"))
            place = np.arange((height, width)[axis]) - (size - 1)
            ends = (place >= 0) & (place % stride == 0)
            complete &= ends[:, None] if axis == 0 else ends[None, :]
        writes = complete.reshape(-1)
        reuse = int(layer.get_attr("reuse_factor", 1) or 1)
        return Actor(layer.name, (_reading(sources[0], len(writes), np.arange(len(writes))),),
                     np.where(writes, reuse, 1).astype(np.int64), writes, _LATENCY)
    return actor


def _resize(layer: Any, sources: list[str]) -> Actor:
    """The first copy of a row is written while the row is read, the others from a buffer."""
    height, width, _ = _shape(layer.get_input_variable())
    tall, wide, _ = _shape(layer.get_output_variable())
    needed = np.full((height, tall // height, width, wide // width), -1, np.int64)
    needed[:, 0, :, 0] = np.arange(height * width).reshape(height, width)
    return _one_clock(layer, (_reading(sources[0], height * width, needed.reshape(-1)),), needed.size)


_KINDS: dict[str, Callable[[Any, list[str]], Actor]] = {
    "Input": _pixelwise, "InputLayer": _pixelwise, "Clone": _pixelwise, "Concatenate": _pixelwise,
    "Activation": _pixelwise, "ParametrizedActivation": _pixelwise, "Transpose": _pixelwise,
    "ZeroPadding2D": _padding, "Resize": _resize,
    "Conv2D": _window("filt"), "PointwiseConv2D": _window("filt"), "DepthwiseConv2D": _window("filt"),
    "Pooling2D": _window("pool"), "WindowPooling": _rows_of_windows, "ZeroInsertion": _zeros,
    "ClassIndex": _pixelwise,
}
