"""Thresholds in C++; nobody has published a report of them."""

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
from quantunet_hls.ops.stages.multi_threshold import stage
from quantunet_hls.ops.stages.multi_threshold.model_graph import read
from quantunet_hls.types import covering

__all__ = ["FACET", "MultiThreshold"]

_HEADER = Path(__file__).with_name("nnet_multi_threshold_stream.h")

#: What the constants are called, among the node's inputs behind the first and among hls4ml's attributes.
ROLES = ("thresholds", "falls")

_CONFIG = """struct config{index} {{
    static const unsigned n_pixels = {pixels};
    static const unsigned n_rows = {rows};
    static const unsigned n_bits = {bits};
    static const unsigned code_bits = {code_bits};
    static const unsigned level_bits = {level_bits};
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


class MultiThreshold(Layer):
    """hls4ml's layer: the numbers of :class:`.stage.MultiThreshold`, channel after channel."""

    _expected_attributes: ClassVar[list[Attribute]] = [
        *(Attribute(name) for name in ("in_height", "in_width", "n_chan", "low", "fraction", "probabilities")),
        *(Attribute(name, value_type=list) for name in ROLES)]

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
        numbers = [number for row in step.thresholds for number in row]
        top = step.low + len(step.thresholds[0])
        return found | {
            "pixels": found["in_height"] * found["in_width"], "rows": step.channels, "bits": step.bits,
            "code_bits": given.width + (not given.signed), "low": step.low,
            "level_bits": max(covering(step.low, top, signed=True).width, result.width + 1),
            "threshold_bits": covering(min(numbers), max(numbers), signed=True).width,
            "numbers": ", ".join(f"{number}LL" for number in numbers),
            "flags": ", ".join(str(down).lower() for down in step.falls)}


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    return {"name": node.name, "class_name": "MultiThreshold", "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels,
            **{name: attribute(node, name) for name in ("low", "fraction", "probabilities")},
            **{name: list(attribute(node, name)) for name in ROLES}}


def _prepare(model: ModelWrapper, node: NodeProto) -> None:
    """The constants become attributes."""
    for role, name in zip(ROLES, node.input[1:], strict=True):
        numbers = constant(model, name)
        assert numbers is not None, "who writes the node writes constants"
        set_attribute(node, role, [int(number) for number in np.ravel(numbers)])
    del node.input[1:]


_ADDED = AddedLayer(
    MultiThreshold,
    (partial(_Config, MultiThreshold, _CONFIG), partial(Call, MultiThreshold, "multi_threshold", [_HEADER.name])),
    _HEADER, {"MultiThreshold": _parse})

FACET: StageCpp[stage.MultiThreshold] = StageCpp(nodes={"MultiThreshold": CppNode(prepare=_prepare)}, added=(_ADDED,))
