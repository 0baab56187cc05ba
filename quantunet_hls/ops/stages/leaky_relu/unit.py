"""Leaky ReLU in hardware."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Mux, Value

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import cast_lanes, shifted_left, sign_of
from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu
from quantunet_hls.ops.unit import StageUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _registered(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: LeakyRelu) -> list[Value]:
    """``slope * x`` for x < 0 and x itself aligned to the same, wider fraction elsewhere, then cast."""
    if not source.signed:
        return cast_lanes(pipeline, lanes, source.fraction, stage.type)
    fraction = source.fraction + max(stage.slope_fraction, 0)
    products = [pipeline.register(value * stage.slope) for value in lanes]
    passed = [pipeline.register(value) for value in lanes]
    pipeline.advance()
    shift_product = fraction - (source.fraction + stage.slope_fraction)
    values = [Mux(sign_of(x), shifted_left(product, shift_product), shifted_left(x, fraction - source.fraction))
              for x, product in zip(passed, products, strict=True)]
    return cast_lanes(pipeline, values, fraction, stage.type)


FACET = StageUnit(_registered)
