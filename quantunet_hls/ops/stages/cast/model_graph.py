"""hls4ml's linear activation: nothing but its result's type."""

from __future__ import annotations

from quantunet_hls.ops.model_graph import Node, StageReader
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _read(node: Node, result: FixedType) -> Cast:
    return Cast(result)


FACET = StageReader({"linear": _read})
