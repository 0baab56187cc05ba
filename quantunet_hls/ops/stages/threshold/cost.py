"""What a comparison with a limit costs."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, each_lane
from quantunet_hls.ops.stages.threshold.stage import Threshold
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _content(stage: Threshold, source: FixedType, family: Family) -> Content:
    return Content(LutParts(adders=source.width))


FACET = each_lane(_content)
