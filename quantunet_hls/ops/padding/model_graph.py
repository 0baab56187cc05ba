"""hls4ml's padding, and the padding and cropping that this package adds to it."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.padding.layer import Padding
from quantunet_hls.ops.stages.cast.stage import Cast

__all__ = ["FACET"]


def _read(node: Node, given: Sequence[Given]) -> Padding:
    return Padding(node.name, (given[0].layer.name,), node.shape, (Cast(node.result()),), node.padding,
                   (node.integer("pad_front", 0), node.integer("pad_back", 0)))


FACET = LayerReader({"ZeroPadding2D": _read, "CropPad": _read})
