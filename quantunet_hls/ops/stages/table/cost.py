"""What a table costs: a ROM a lane."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, StageCost
from quantunet_hls.ops.stages.table.stage import Table
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _content(stage: Table, source: FixedType, family: Family) -> Content:
    return Content(LutParts(), (Memory(1 << stage.index.width, stage.type.width, rom=True),))


FACET = StageCost(_content)
