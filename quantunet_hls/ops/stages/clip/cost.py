"""What limits cost: a comparison with each that can be passed, and a choice."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, each_lane
from quantunet_hls.ops.stages.clip.stage import Clip
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _content(stage: Clip, source: FixedType, family: Family) -> Content:
    places = stage.type.fraction - source.fraction
    passed = (source.lowest << places < stage.low) + (source.high << places > stage.high)
    return Content(LutParts(adders=passed * source.width, results=stage.type.width))


FACET = each_lane(_content)
