"""Limits in C++, which hls4ml lacks; nobody has published a report of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from hls4ml.model.attributes import Attribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto

from quantunet_hls.ops.cpp.facet import AddedLayer, StageCpp
from quantunet_hls.ops.cpp.templates import Call, Config
from quantunet_hls.ops.hls4ml_types import fixed_type
from quantunet_hls.ops.model_graph import Node
from quantunet_hls.ops.qonnx.graph import attribute
from quantunet_hls.ops.stages.clip.model_graph import read
from quantunet_hls.ops.stages.clip.stage import Clip

__all__ = ["FACET", "ValueLimits"]

_HEADER = Path(__file__).with_name("nnet_value_limits_stream.h")

_CONFIG = """struct config{index} {{
    static const unsigned n_pixels = {pixels};
    static const unsigned n_chan = {n_chan};
    static const long long low = {low_code}LL;
    static const long long high = {high_code}LL;
}};\n"""


class ValueLimits(Layer):
    """No less than ``low`` and no more than ``high``, in steps of ``2**-fraction``."""

    _expected_attributes: ClassVar[list[Attribute]] = [Attribute(name) for name in (
        "in_height", "in_width", "n_chan", "low", "high", "fraction")]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        self.add_output_variable([self.attributes[name] for name in ("in_height", "in_width", "n_chan")])


class _Config(Config):
    """With the limits as codes of the result."""

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        found = super().params(node)
        stage = read(Node(node, ""), fixed_type(node.name, node.get_output_variable().type.precision))
        return found | {"pixels": found["in_height"] * found["in_width"], "low_code": stage.low,
                        "high_code": stage.high}


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    return {"name": node.name, "class_name": "ValueLimits", "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels,
            **{name: attribute(node, name) for name in ("low", "high", "fraction")}}


_ADDED = AddedLayer(
    ValueLimits, (partial(_Config, ValueLimits, _CONFIG), partial(Call, ValueLimits, "value_limits", [_HEADER.name])),
    _HEADER, {"Clip": _parse})

FACET: StageCpp[Clip] = StageCpp(added=(_ADDED,))
