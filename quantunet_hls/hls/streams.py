"""hls4ml's streams at the depths that they need, instead of a whole feature map each.

hls4ml 1.3.0 gives every ``io_stream`` channel as many entries as its image has
pixels; its own sizing needs the vendor's co-simulation. Here each layer's C++ is
described pixel by pixel (what it reads, when it writes) in its operator's room, and
:mod:`quantunet_hls.folding.schedule` finds the depths. What a pixel costs beyond
its reuse factor only the vendor's tool knows, so the depths are an estimate, with
a row of the image to spare wherever beats have to wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from hls4ml.model.graph import ModelGraph

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.schedule import LEAST_DEPTH, Actor, fifo_depths
from quantunet_hls.ops.cpp.facet import CppLayer, cpp_layers
from quantunet_hls.ops.cpp.loops import image_shape, one_clock, pixelwise, reading

__all__ = ["actors", "set_stream_depths", "stream_bits", "stream_sizes"]


def actors(model: ModelGraph) -> list[Actor]:
    """Every layer of a converted model as an actor whose beats are pixels, in the model's order.

    Raises:
        IllegalGraphError: a layer kind whose loops are not known here.
    """
    made = []
    streams = list(_streams(model))
    for layer in model.get_layers():
        kind = cpp_layers().get(layer.class_name) or _PLUMBING.get(layer.class_name)
        if kind is None:
            raise IllegalGraphError(layer.name, f"the streams of a layer of kind {layer.class_name!r} can't be sized",
                                    "use a layer that is listed in the README")
        sources = [writer.name for writer, _, reader in streams if reader is layer]
        made.append(kind.actor(layer, sources))
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
            depth += image_shape(variable)[1]
        variable.pragma = (variable.pragma[0], depth)


def stream_bits(model: ModelGraph) -> tuple[int, int]:
    """Bits of all streams between layers: at the depths that they have, and at hls4ml's own, a feature map each."""
    bits = whole = 0
    for (writer, tensor, _), (depth, pixel) in zip(_streams(model), stream_sizes(model), strict=True):
        height, width, _ = image_shape(writer.get_output_variable(tensor))
        bits += depth * pixel
        whole += height * width * pixel
    return bits, whole


def stream_sizes(model: ModelGraph) -> list[tuple[int, int]]:
    """Words of every stream between two layers, at the depths that they have, and bits of a word: of a pixel."""
    variables = (writer.get_output_variable(tensor) for writer, tensor, _ in _streams(model))
    return [(int(variable.pragma[1]), image_shape(variable)[2] * int(variable.type.precision.width))
            for variable in variables]


def _streams(model: ModelGraph) -> Iterator[tuple[Any, str, Any]]:
    """Every stream between two layers: its writer, its tensor, its reader."""
    writers = {tensor: layer for layer in model.get_layers() for tensor in layer.outputs}
    for reader in model.get_layers():
        for tensor in reader.inputs:
            # The network's input is read from outside.
            if tensor in writers:
                yield writers[tensor], tensor, reader


def _image_of_input(layer: Any, sources: Sequence[str]) -> Actor:
    """Pixelwise, where only the network's output, whose channels come first, has no image's shape."""
    height, width, _ = image_shape(layer.get_input_variable())
    pixels = np.arange(height * width)
    return one_clock(layer, tuple(reading(source, len(pixels), pixels) for source in sources), len(pixels))


#: What hls4ml puts between layers by itself: forks, and another order of axes behind the last one.
_PLUMBING = {"Clone": CppLayer(pixelwise), "Transpose": CppLayer(_image_of_input)}
