"""Pixels out of channels in C++, which hls4ml lacks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hls4ml.model.attributes import Attribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import AddedLayer, LayerCpp
from quantunet_hls.ops.cpp.loops import one_clock, reading
from quantunet_hls.ops.cpp.templates import Call, Config
from quantunet_hls.ops.depth_to_space.layer import DepthToSpace
from quantunet_hls.ops.qonnx.graph import attribute

__all__ = ["FACET", "PixelBlocks"]

_HEADER = Path(__file__).with_name("nnet_pixel_blocks_stream.h")

_SIZES = ("in_height", "in_width", "n_chan", "block", "pixelwise")

_CONFIG = "struct config{index} {{\n" + "".join(
    f"    static const unsigned {name} = {{{name}}};\n" for name in _SIZES) + "}};\n"


class PixelBlocks(Layer):
    """Every pixel as a block of pixels."""

    _expected_attributes: ClassVar[list[Attribute]] = [Attribute(name) for name in _SIZES]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        height, width, channels, block = (self.attributes[name] for name in _SIZES[:4])
        self.add_output_variable([height * block, width * block, channels // block**2],
                                 precision=self.get_input_variable().type.precision)


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    return {"name": node.name, "class_name": "PixelBlocks", "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels,
            "block": attribute(node, "block"), "pixelwise": attribute(node, "pixelwise")}


def _actor(layer: DepthToSpace, cpp: CppLayer) -> Actor:
    """The first rows of a row's blocks are written while the row is read, the others from a buffer."""
    (stream,) = cpp.inputs
    height, width = stream.shape.height, stream.shape.width
    needed = np.full((height, layer.block, width, layer.block), -1, np.int64)
    needed[:, 0, :, 0] = np.arange(height * width).reshape(height, width)
    return one_clock(cpp, (reading(stream.writer, height * width, needed.reshape(-1)),), needed.size)


FACET = LayerCpp(_actor, added=(AddedLayer(
    PixelBlocks, (partial(Config, PixelBlocks, _CONFIG), partial(Call, PixelBlocks, "pixel_blocks", [_HEADER.name])),
    (_HEADER,), {"PixelBlocks": _parse}),))
