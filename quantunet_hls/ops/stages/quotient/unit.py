"""A division by a constant in hardware."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Mux, Value

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import as_type, extended, sign_of
from quantunet_hls.ops.stages.quotient.reciprocal import reciprocal
from quantunet_hls.ops.stages.quotient.stage import Quotient
from quantunet_hls.ops.unit import StageUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _registered(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: Quotient) -> list[Value]:
    """``x * 2**gain / divisor``, cut towards zero: by the magnitude, with the sign put back behind."""
    shift, factor = reciprocal(stage.divisor, stage.type.fraction - source.fraction, max(source.high, -source.low))
    signs = [pipeline.register(sign_of(value)) for value in lanes]
    values = [pipeline.register(Mux(sign_of(value), -value, value).as_unsigned()[: source.width]) for value in lanes]
    pipeline.advance()
    # Multipliers between two registers, as in the matrix-vector unit.
    signs = [pipeline.register(sign) for sign in signs]
    values = [pipeline.register(value * factor) for value in values]
    pipeline.advance()
    values = [pipeline.register(as_type(extended(Mux(sign, -value[shift:], value[shift:]), stage.type.width),
                                        stage.type))
              for sign, value in zip(signs, values, strict=True)]
    pipeline.advance()
    return values


FACET = StageUnit(_registered)
