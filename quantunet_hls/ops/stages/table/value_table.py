"""Tables in hls4ml, which has but those of its own activations, over ranges and of sizes of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from hls4ml.model.attributes import Attribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto

from quantunet_hls.ops.cpp.facet import AddedLayer
from quantunet_hls.ops.cpp.templates import Call, Config
from quantunet_hls.ops.hls4ml_types import fixed_type
from quantunet_hls.ops.qonnx.graph import attribute
from quantunet_hls.ops.stages.table.stage import Table

__all__ = ["VALUE_TABLE", "ValueTable"]

_HEADER = Path(__file__).with_name("nnet_value_table_stream.h")

_CONFIG = """struct config{index} {{
    static const unsigned n_pixels = {pixels};
    static const unsigned n_chan = {n_chan};
    typedef {index_t} index_t;
    static int entry(unsigned bits) {{
        #pragma HLS INLINE
        static const int entries[{size}] = {{{words}}};
        return entries[bits];
    }}
}};\n"""


class ValueTable(Layer):
    """``entries``, codes of the result's type, for numbers from ``first * 2**-fraction`` on, one a step."""

    _expected_attributes: ClassVar[list[Attribute]] = [
        *(Attribute(name) for name in ("in_height", "in_width", "n_chan", "first", "fraction", "probabilities")),
        Attribute("entries", value_type=list)]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        self.add_output_variable([self.attributes[name] for name in ("in_height", "in_width", "n_chan")])


class _Config(Config):
    """With the entries in the order of the bits that are looked up."""

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        found = super().params(node)
        result = fixed_type(node.name, node.get_output_variable().type.precision)
        table = Table(result, found["first"], found["fraction"], tuple(found["entries"]))
        kind, words = table.index, table.by_bits
        return found | {"pixels": found["in_height"] * found["in_width"], "size": len(words),
                        "words": ", ".join(map(str, words)),
                        "index_t": f"ap_{'' if kind.signed else 'u'}fixed<{kind.width}, {kind.integer}>"}


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    return {"name": node.name, "class_name": "ValueTable", "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels,
            **{name: attribute(node, name) for name in ("first", "fraction", "probabilities", "entries")}}


VALUE_TABLE = AddedLayer(
    ValueTable, (partial(_Config, ValueTable, _CONFIG), partial(Call, ValueTable, "value_table", [_HEADER.name])),
    _HEADER, {"Table": _parse})
