"""A comparison with a limit in hardware."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Value

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.stages.threshold.stage import Threshold
from quantunet_hls.ops.unit import StageUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _registered(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: Threshold) -> list[Value]:
    """Whether each exceeds the limit; only whole codes can come, so the limit may be rounded down to one."""
    places = source.fraction - stage.fraction
    limit = stage.limit << places if places >= 0 else stage.limit >> -places
    values = [pipeline.register(value > limit) for value in lanes]
    pipeline.advance()
    return values


FACET = StageUnit(_registered)
