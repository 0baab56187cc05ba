"""What ReLU costs: a cast, and the choice of zero."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, cast_parts, each_lane
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.targets import Family
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _content(stage: Relu, source: FixedType, family: Family) -> Content:
    return Content(cast_parts(source.width, source.fraction, stage.type, zeroed=True))


FACET = each_lane(_content)
