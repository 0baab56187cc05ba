"""What a cast costs: a carry where it rounds, a choice where it saturates."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, cast_parts, each_lane
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.targets import Family
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _content(stage: Cast, source: FixedType, family: Family) -> Content:
    return Content(cast_parts(source.width, source.fraction, stage.type))


FACET = each_lane(_content)
