"""hls4ml's ReLU."""

from __future__ import annotations

from quantunet_hls.ops.model_graph import Node, StageReader
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _read(node: Node, result: FixedType) -> Relu:
    return Relu(result)


FACET = StageReader({"relu": _read})
