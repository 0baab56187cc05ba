"""The products of two streams that this package adds to hls4ml."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.multiply.layer import Multiply
from quantunet_hls.ops.stages.cast.stage import Cast

__all__ = ["FACET"]


def _read(node: Node, given: Sequence[Given]) -> Multiply:
    return Multiply(node.name, tuple(each.layer.name for each in given), node.shape, (Cast(node.result()),))


FACET = LayerReader({"StreamProduct": _read})
