"""Tables in hls4ml, which has but those of its own activations, over ranges and of sizes of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hls4ml.model.layers import Layer

from quantunet_hls.ops.cpp.each_value import ValueConfig, ValueLayer, added_layer, types_of
from quantunet_hls.ops.stages.table.stage import Table

__all__ = ["VALUE_TABLE", "ValueTable"]

_HEADER = Path(__file__).with_name("nnet_value_table_stream.h")

_CONFIG = """struct config{index} {{
    static const unsigned n_pixels = {pixels};
    typedef {index_t} index_t;
    static int entry(unsigned bits) {{
        #pragma HLS INLINE
        static const int entries[{size}] = {{{words}}};
        return entries[bits];
    }}
}};\n"""


class ValueTable(ValueLayer):
    """``entries``, codes of the result's type, for numbers from ``first * 2**-fraction`` on, one a step."""

    numbers = ("first", "fraction", "probabilities")
    lists = ("entries",)


class _Config(ValueConfig):
    """With the entries in the order of the bits that are looked up."""

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        found = super().params(node)
        _, result = types_of(node)
        table = Table(result, found["first"], found["fraction"], tuple(found["entries"]))
        kind, words = table.index, table.by_bits
        return found | {"size": len(words), "words": ", ".join(map(str, words)),
                        "index_t": f"ap_{'' if kind.signed else 'u'}fixed<{kind.width}, {kind.integer}>"}


VALUE_TABLE = added_layer(ValueTable, _Config, _CONFIG, "value_table", _HEADER, "Table")
