"""Limits in hardware."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import C, Mux, Value

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import as_type, extended, shape_of, shifted_left
from quantunet_hls.ops.stages.clip.stage import Clip
from quantunet_hls.ops.unit import StageUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _registered(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: Clip) -> list[Value]:
    """Each value, or the limit that it passes."""
    places = stage.type.fraction - source.fraction
    results = []
    for value in lanes:
        aligned = shifted_left(value, places)
        result: Value = as_type(extended(aligned, stage.type.width), stage.type)
        if source.high << places > stage.high:
            result = Mux(aligned > stage.high, C(stage.high, shape_of(stage.type)), result)
        if source.low << places < stage.low:
            result = Mux(aligned < stage.low, C(stage.low, shape_of(stage.type)), result)
        results.append(pipeline.register(as_type(result, stage.type)))
    pipeline.advance()
    return results


FACET = StageUnit(_registered)
