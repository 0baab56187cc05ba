"""The zeros that this package inserts in front of what was a transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.zero_insertion.layer import ZeroInsertion

__all__ = ["FACET"]


def _read(node: Node, given: Sequence[Given]) -> ZeroInsertion:
    return ZeroInsertion(node.name, (given[0].layer.name,), node.shape, (Cast(node.result()),), node.pair("factor"))


FACET = LayerReader({"ZeroInsertion": _read})
