"""A cast in hardware."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Value

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import cast_lanes
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.unit import StageUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _registered(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: Cast) -> list[Value]:
    """Every lane rounded and saturated."""
    return cast_lanes(pipeline, lanes, source.fraction, stage.type)


FACET = StageUnit(_registered)
