"""What zeros around an image cost: nothing beside the line buffer that puts them there."""

from __future__ import annotations

from quantunet_hls.ops.cost import NOTHING, Content, LayerCost
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.targets import Family

__all__ = ["FACET"]


def _content(layer: StreamLayer, family: Family) -> Content:
    return NOTHING


FACET = LayerCost(_content)
