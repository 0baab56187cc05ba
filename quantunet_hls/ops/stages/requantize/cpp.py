"""Requantization in C++, which hls4ml lacks in this generality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hls4ml.model.layers import Layer
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.cpp.each_value import (
    ValueConfig,
    ValueLayer,
    added_layer,
    constants_as_attributes,
    listed,
    types_of,
)
from quantunet_hls.ops.cpp.facet import CppNode, StageCpp
from quantunet_hls.ops.model_graph import Node
from quantunet_hls.ops.qonnx.graph import set_attribute, shape_of
from quantunet_hls.ops.stages.requantize import stage
from quantunet_hls.ops.stages.requantize.model_graph import read
from quantunet_hls.types.fixed import bits_for

__all__ = ["FACET", "Requantize"]

_HEADER = Path(__file__).with_name("nnet_requantize_stream.h")

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


class Requantize(ValueLayer):
    """hls4ml's layer: the numbers of :class:`.stage.Requantize`, those of both lines one after the other."""

    numbers = ("low", "high", "shift", "lines", "fraction", "half_even")
    lists = ("factors", "offsets", "splits")


class _Config(ValueConfig):
    """With numbers for the codes that come in as they are."""

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        given, result = types_of(node)
        step = read(Node(node, ""), result).reading(given.fraction)
        splits = step.splits or (0,)
        factors, offsets = ([number for line in lines for number in line] for lines in (step.factors, step.offsets))
        # Twice the rest that is dropped is compared with a step.
        sums = [*step.sums(given.low, given.high), *offsets, *splits, step.low << step.shift, step.high << step.shift,
                2 << step.shift]
        return super().params(node) | {
            "numbers": step.channels, "shift": step.shift, "ties": str(step.half_even).lower(),
            "code_bits": given.width + (not given.signed), "factor_bits": bits_for(min(factors), max(factors)),
            "sum_bits": bits_for(min(sums), max(sums)), "factors": listed(factors), "offsets": listed(offsets),
            "splits": listed(splits)}


def _prepare(model: ModelWrapper, node: NodeProto) -> None:
    lines, *_ = shape_of(model, node.input[1])
    set_attribute(node, "lines", lines)
    constants_as_attributes(model, node, Requantize.lists)


FACET: StageCpp[stage.Requantize] = StageCpp(
    nodes={"Requantize": CppNode(prepare=_prepare)},
    added=(added_layer(Requantize, _Config, _CONFIG, "requantize", _HEADER, "Requantize"),))
