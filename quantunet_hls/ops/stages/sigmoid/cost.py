"""What a sigmoid costs: a table a lane, and where to look in it."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, each_lane
from quantunet_hls.ops.stages.sigmoid.stage import Sigmoid
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _content(stage: Sigmoid, source: FixedType, family: Family) -> Content:
    return Content(LutParts(adders=source.width), (Memory(len(stage.table), stage.type.width, rom=True),))


FACET = each_lane(_content)
