"""Zeros between the pixels of an image and behind the last: hls4ml has no transposed convolution (issue 896)."""

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
from quantunet_hls.ops.qonnx.graph import attribute
from quantunet_hls.ops.zero_insertion import layer as typed

__all__ = ["FACET", "ZeroInsertion"]

_HEADER = Path(__file__).with_name("nnet_zero_insertion_stream.h")

_CONFIG = """struct config{index} {{
    static const unsigned in_height = {in_height};
    static const unsigned in_width = {in_width};
    static const unsigned n_chan = {n_chan};
    static const unsigned out_height = {out_height};
    static const unsigned out_width = {out_width};
    static const unsigned factor_height = {factor_height};
    static const unsigned factor_width = {factor_width};
}};\n"""


class ZeroInsertion(Layer):
    """Pixels ``factor_height`` rows and ``factor_width`` columns apart."""

    _expected_attributes: ClassVar[list[Attribute]] = [Attribute(name) for name in (
        "in_height", "in_width", "out_height", "out_width", "n_chan", "factor_height", "factor_width")]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        self.add_output_variable([self.attributes[name] for name in ("out_height", "out_width", "n_chan")],
                                 precision=self.get_input_variable().type.precision)


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    (rows, columns), (out_height, out_width) = attribute(node, "factor"), attribute(node, "size")
    return {"name": node.name, "class_name": "ZeroInsertion", "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels,
            "out_height": out_height, "out_width": out_width, "factor_height": rows, "factor_width": columns}


def _actor(layer: typed.ZeroInsertion, cpp: CppLayer) -> Actor:
    """A pixel out a clock; one in where it is no zero."""
    (stream,) = cpp.inputs
    height, width = stream.shape.height, stream.shape.width
    needed = np.full((layer.shape.height, layer.shape.width), -1, np.int64)
    rows, columns = layer.factor
    needed[::rows, ::columns][:height, :width] = np.arange(height * width).reshape(height, width)
    return one_clock(cpp, (reading(stream.writer, height * width, needed.reshape(-1)),), needed.size)


FACET = LayerCpp(_actor, added=(AddedLayer(
    ZeroInsertion,
    (partial(Config, ZeroInsertion, _CONFIG), partial(Call, ZeroInsertion, "zero_insertion", [_HEADER.name])),
    (_HEADER,), {"ZeroInsertion": _parse}),))
