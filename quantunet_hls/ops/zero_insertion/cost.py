"""What zeros between pixels cost: counters, and the choice of a pixel or a zero."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, LayerCost
from quantunet_hls.ops.zero_insertion.stream import ZeroInsertion
from quantunet_hls.targets import Family, LutParts

__all__ = ["FACET"]


def _content(layer: ZeroInsertion, family: Family) -> Content:
    counters = sum((size - 1).bit_length() for size in (
        layer.shape.width, layer.shape.height, layer.shape.channels // layer.lanes, *layer.factor))
    return Content(LutParts(addresses=2 * counters, beats=layer.lanes * layer.type.width))


FACET = LayerCost(_content)
