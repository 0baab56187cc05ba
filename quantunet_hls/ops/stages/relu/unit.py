"""ReLU in hardware."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Value

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import cast_lanes, sign_of
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.unit import StageUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _registered(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: Relu) -> list[Value]:
    """Every lane rounded and saturated, or zero by its sign."""
    return cast_lanes(pipeline, lanes, source.fraction, stage.type, [sign_of(value) for value in lanes])


FACET = StageUnit(_registered)
