"""What a port costs: nothing; the FIFO behind it is the top module's."""

from __future__ import annotations

from quantunet_hls.ops.cost import NOTHING, Content, LayerCost
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.targets import Family

__all__ = ["FACET"]


def _content(layer: Input, family: Family) -> Content:
    return NOTHING


FACET = LayerCost(_content)
