"""What padding and cropping cost: counters, and the choice of a word or zeros."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, LayerCost
from quantunet_hls.ops.padding.stream import Padding
from quantunet_hls.targets import Family, LutParts

__all__ = ["FACET"]


def _content(layer: Padding, family: Family) -> Content:
    counters = sum((span.steps - 1).bit_length() for span in layer.spans)
    adds = any(span.before > 0 or span.behind > 0 for span in layer.spans)
    return Content(LutParts(addresses=2 * counters, beats=adds * layer.lanes * layer.type.width))


FACET = LayerCost(_content)
