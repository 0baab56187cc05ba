"""Requantization in C++, which hls4ml lacks in this generality."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hls4ml.model.attributes import Attribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.cpp.facet import AddedLayer, CppNode, StageCpp
from quantunet_hls.ops.cpp.templates import Call, Config
from quantunet_hls.ops.hls4ml_types import fixed_type
from quantunet_hls.ops.model_graph import Node
from quantunet_hls.ops.qonnx.graph import attribute, constant, set_attribute
from quantunet_hls.ops.stages.requantize import stage
from quantunet_hls.ops.stages.requantize.model_graph import read
from quantunet_hls.types import covering

__all__ = ["FACET", "Requantize"]

_HEADER = Path(__file__).with_name("nnet_requantize_stream.h")

#: What the constants are called, among the node's inputs behind the first and among hls4ml's attributes.
ROLES = ("factors", "offsets", "splits")
#: What else hls4ml is told.
NUMBERS = ("low", "high", "shift", "lines", "fraction", "half_even")

_CONFIG = """struct config{index} {{
    static const unsigned n_pixels = {pixels};
    static const unsigned n_lines = {lines};
    static const unsigned n_numbers = {numbers};
    static const unsigned code_bits = {code_bits};
    static const unsigned shift = {shift};
    static const bool half_even = {ties};
    typedef ap_int<{factor_bits}> factor_t;
    typedef ap_int<{sum_bits}> sum_t;
    static const long long low = {low}LL;
    static const long long high = {high}LL;
    static factor_t factor(unsigned n) {{
        static const factor_t numbers[] = {{{factors}}};
        return numbers[n];
    }}
    static sum_t offset(unsigned n) {{
        static const sum_t numbers[] = {{{offsets}}};
        return numbers[n];
    }}
    static sum_t split(unsigned n) {{
        static const sum_t numbers[] = {{{splits}}};
        return numbers[n];
    }}
}};\n"""


class Requantize(Layer):
    """hls4ml's layer: the numbers of :class:`.stage.Requantize`, those of both lines one after the other."""

    _expected_attributes: ClassVar[list[Attribute]] = [
        *(Attribute(name) for name in ("in_height", "in_width", "n_chan", *NUMBERS)),
        *(Attribute(name, value_type=None) for name in ROLES)]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        self.add_output_variable([self.attributes[name] for name in ("in_height", "in_width", "n_chan")])


class _Config(Config):
    """With numbers for the codes that come in as they are."""

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        found = super().params(node)
        given = fixed_type(node.name, node.get_input_variable().type.precision)
        result = fixed_type(node.name, node.get_output_variable().type.precision)
        step = read(Node(node, ""), result).reading(given.fraction)
        low, high = step.sums(given.low, given.high)
        split = step.splits or (0,)
        every = [number for row in (*step.offsets, split) for number in row]
        ends = [level << step.shift for level in (step.low, step.high)]
        return found | {
            "pixels": found["in_height"] * found["in_width"], "numbers": step.channels, "shift": step.shift,
            "ties": str(step.half_even).lower(), "code_bits": given.width + (not given.signed),
            "factor_bits": _bits([number for row in step.factors for number in row]),
            # Twice the rest that is dropped is compared with a step.
            "sum_bits": _bits([low, high, *every, *ends, 2 << step.shift]),
            "factors": _listed(step.factors), "offsets": _listed(step.offsets), "splits": _listed([split])}


def _bits(numbers: list[int]) -> int:
    """Of a signed type that holds all of them."""
    return covering(min(numbers), max(numbers), signed=True).width


def _listed(rows: Any) -> str:
    return ", ".join(f"{number}LL" for row in rows for number in row)


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    return {"name": node.name, "class_name": "Requantize", "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels,
            **{name: attribute(node, name) for name in NUMBERS},
            **{name: list(attribute(node, name, [])) for name in ROLES}}


def _prepare(model: ModelWrapper, node: NodeProto) -> None:
    """The constants become attributes."""
    for role, name in zip(ROLES, node.input[1:], strict=True):
        numbers = constant(model, name)
        assert numbers is not None, "who writes the node writes constants"
        if role == "factors":
            set_attribute(node, "lines", len(numbers))
        if numbers.size:
            # ONNX has no empty list of numbers, so no attribute is one.
            set_attribute(node, role, [int(number) for number in np.ravel(numbers)])
    del node.input[1:]


_ADDED = AddedLayer(
    Requantize, (partial(_Config, Requantize, _CONFIG), partial(Call, Requantize, "requantize", [_HEADER.name])),
    _HEADER, {"Requantize": _parse})

FACET: StageCpp[stage.Requantize] = StageCpp(nodes={"Requantize": CppNode(prepare=_prepare)}, added=(_ADDED,))
