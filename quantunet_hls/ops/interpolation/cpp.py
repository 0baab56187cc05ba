"""Pixels between pixels: hls4ml 1.3.0 admits an algorithm ``bilinear`` of its ``Resize``, but has no kernel for it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hls4ml.model.attributes import Attribute, TypeAttribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import AddedLayer, LayerCpp
from quantunet_hls.ops.cpp.loops import LATENCY, one_clock, reading
from quantunet_hls.ops.cpp.templates import ROW_RING, Call, Config
from quantunet_hls.ops.interpolation import layer as typed
from quantunet_hls.ops.qonnx.graph import attribute

__all__ = ["FACET", "Interpolation"]

_HEADER = Path(__file__).with_name("nnet_interpolation_stream.h")

_SIZES = ("in_height", "in_width", "out_height", "out_width", "n_chan", "axis", "step", "parts")


class Interpolation(Layer):
    """Pixels between pixels along one axis; the attributes are those of the node that it is read from."""

    _expected_attributes: ClassVar[list[Attribute]] = [
        *(Attribute(name) for name in (*_SIZES, "start", "divisor")), TypeAttribute("accum")]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        self.add_output_variable([self.attributes[name] for name in ("out_height", "out_width", "n_chan")])


class _Config(Config):
    """The configuration, whose weights are parts divided by the divisor where this is a power of two."""

    def __init__(self) -> None:
        super().__init__(Interpolation, "struct config{index} {{\n" + "".join(
            f"    static const unsigned {name} = {{{name}}};\n" for name in (*_SIZES, "quotient", "weight_bits")) + """\
    static const int start = {start};
    typedef ap_ufixed<{weight_bits}, {weight_integer}> weight_t;
    typedef {accum_t.name} accum_t;
}};\n""")

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        found = super().params(node)
        divisor, bits = int(found["divisor"]), int(found["parts"]).bit_length()
        exact = divisor.bit_length() - 1
        divides = divisor != 1 << exact
        return found | {"quotient": divisor if divides else 1, "weight_bits": bits,
                        "weight_integer": bits if divides else bits - exact}


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    axis, size = attribute(node, "axis") - 1, attribute(node, "size")
    return {"name": node.name, "class_name": "Interpolation", "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels, "axis": axis,
            "out_height": size if axis == 0 else height, "out_width": size if axis == 1 else width,
            **{name: attribute(node, name) for name in ("start", "step", "parts", "divisor")}}


def _actor(layer: typed.Interpolation, cpp: CppLayer) -> Actor:
    """Of rows a whole one is read before the first that needs it is written; of columns each when it is needed."""
    (stream,) = cpp.inputs
    height, width = stream.shape.height, stream.shape.width
    _, behind, _ = layer.places.between()
    if layer.axis == 1:
        rows = np.arange(height) * width
        return one_clock(cpp, (reading(stream.writer, height * width, (rows[:, None] + behind).reshape(-1)),),
                         height * layer.places.size)
    needed: list[np.ndarray] = []
    received = 0
    for last in behind + 1:
        needed += [np.arange(received * width, max(last, received) * width), np.full(width, -1)]
        received = max(last, received)
    read = np.concatenate(needed)
    return Actor(cpp.name, (reading(stream.writer, height * width, read),), np.ones(len(read), np.int64), read < 0,
                 LATENCY)


FACET = LayerCpp(_actor, added=(AddedLayer(
    Interpolation, (_Config, partial(Call, Interpolation, "interpolation", [_HEADER.name])), (ROW_RING, _HEADER),
    {"Interpolation": _parse}),))
