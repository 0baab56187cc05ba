"""What a concat costs: a counter, and the choice of a source."""

from __future__ import annotations

from quantunet_hls.ops.concat.stream import Concat
from quantunet_hls.ops.cost import Content, LayerCost
from quantunet_hls.targets import Family, LutParts

__all__ = ["FACET"]


def _content(layer: Concat, family: Family) -> Content:
    return Content(LutParts(addresses=2 * (sum(layer.channels) // layer.lanes - 1).bit_length(),
                            beats=layer.lanes * layer.type.width))


FACET = LayerCost(_content)
