"""hls4ml's concatenation."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.concat.layer import Concat
from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.stages.cast.stage import Cast

__all__ = ["FACET"]


def _read(node: Node, given: Sequence[Given]) -> Concat:
    if node.integer("axis") not in (3, -1):
        raise IllegalGraphError(node.name, "only channels can be concatenated", "concatenate along the channels")
    return Concat(node.name, tuple(each.layer.name for each in given), node.shape, (Cast(node.result()),))


FACET = LayerReader({"Concatenate": _read})
