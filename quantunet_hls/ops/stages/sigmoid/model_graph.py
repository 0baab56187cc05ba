"""hls4ml's sigmoid."""

from __future__ import annotations

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.model_graph import Node, StageReader
from quantunet_hls.ops.stages.sigmoid.stage import SIGMOID_REACH, Sigmoid, sigmoid_table
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _read(node: Node, result: FixedType) -> Sigmoid:
    size = node.integer("table_size")
    if size % (2 * SIGMOID_REACH):
        raise IllegalGraphError(node.name, f"there is no emulation and no RTL for a sigmoid table of {size} entries",
                                f"use a multiple of {2 * SIGMOID_REACH}")
    return Sigmoid(result, sigmoid_table(size, node.type("table_t"), result))


FACET = StageReader({"sigmoid": _read})
