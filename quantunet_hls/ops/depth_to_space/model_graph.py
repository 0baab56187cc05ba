"""The pixels out of channels that this package adds to hls4ml."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.ops.depth_to_space.layer import DepthToSpace
from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.stages.cast.stage import Cast

__all__ = ["FACET"]


def _read(node: Node, given: Sequence[Given]) -> DepthToSpace:
    return DepthToSpace(node.name, (given[0].layer.name,), node.shape, (Cast(node.result()),), node.integer("block"),
                        bool(node.integer("pixelwise")))


FACET = LayerReader({"PixelBlocks": _read})
