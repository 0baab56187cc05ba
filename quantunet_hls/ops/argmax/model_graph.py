"""The classes of pixels that this package adds to hls4ml."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.ops.argmax.layer import ArgMax
from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.pointwise.layer import Pointwise
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.threshold.stage import Threshold

__all__ = ["FACET"]


def _read(node: Node, given: Sequence[Given]) -> Layer:
    """The largest of several channels; of a single one, whether it exceeds a limit."""
    source = given[0].layer.name
    if node.integer("n_chan") > 1:
        return ArgMax(node.name, (source,), node.shape, (Cast(node.result()),))
    return Pointwise(node.name, (source,), node.shape,
                     (Threshold(node.integer("limit"), node.integer("limit_fraction")),))


FACET = LayerReader({"ClassIndex": _read})
