"""The layer of tables that this package adds to hls4ml."""

from __future__ import annotations

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.model_graph import Node, StageReader
from quantunet_hls.ops.stages.table.stage import Table
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _read(node: Node, result: FixedType) -> Table:
    meaning = Meaning.PROBABILITIES if node.integer("probabilities") else Meaning.SCORES
    return Table(result, node.integer("first"), node.integer("fraction"), node.integers("entries"), meaning)


FACET = StageReader({}, layers={"ValueTable": _read})
