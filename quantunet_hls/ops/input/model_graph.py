"""hls4ml's input."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.ops.input.layer import Input
from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.stages.cast.stage import Cast

__all__ = ["FACET"]


def _read(node: Node, given: Sequence[Given]) -> Input:
    return Input(node.name, (), node.shape, (Cast(node.result()),))


FACET = LayerReader({"Input": _read})
