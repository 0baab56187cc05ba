"""Thresholds in C++; nobody has published a report of them."""

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
from quantunet_hls.ops.stages.multi_threshold import stage
from quantunet_hls.ops.stages.multi_threshold.model_graph import read
from quantunet_hls.types.fixed import bits_for

__all__ = ["FACET", "MultiThreshold"]

_HEADER = Path(__file__).with_name("nnet_multi_threshold_stream.h")

_CONFIG = """struct config{index} {{
    static const unsigned n_pixels = {pixels};
    static const unsigned n_rows = {rows};
    static const unsigned n_bits = {bits};
    static const unsigned code_bits = {code_bits};
    static const int low = {low};
    typedef ap_int<{threshold_bits}> threshold_t;
    static threshold_t threshold(unsigned n) {{
        static const threshold_t numbers[] = {{{numbers}}};
        return numbers[n];
    }}
    static bool falls(unsigned n) {{
        static const bool flags[] = {{{flags}}};
        return flags[n];
    }}
}};\n"""


class MultiThreshold(ValueLayer):
    """hls4ml's layer: the numbers of :class:`.stage.MultiThreshold`, channel after channel."""

    numbers = ("low", "fraction", "probabilities")
    lists = ("thresholds", "falls")


class _Config(ValueConfig):
    """With numbers for the codes that come in as they are."""

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        given, result = types_of(node)
        step = read(Node(node, ""), result).reading(given.fraction)
        numbers = [number for row in step.thresholds for number in row]
        return super().params(node) | {
            "rows": step.channels, "bits": step.bits, "code_bits": given.width + (not given.signed), "low": step.low,
            "threshold_bits": bits_for(min(numbers), max(numbers)), "numbers": listed(numbers),
            "flags": ", ".join(str(down).lower() for down in step.falls)}


def _prepare(model: ModelWrapper, node: NodeProto) -> None:
    constants_as_attributes(model, node, MultiThreshold.lists)


FACET: StageCpp[stage.MultiThreshold] = StageCpp(
    nodes={"MultiThreshold": CppNode(prepare=_prepare)},
    added=(added_layer(MultiThreshold, _Config, _CONFIG, "multi_threshold", _HEADER, "MultiThreshold"),))
