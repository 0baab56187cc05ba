"""What requantization costs: tables of factors and offsets, a multiplier, an adder, a choice."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, StageCost
from quantunet_hls.ops.hardware.packing import bits_for
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _content(stage: Requantize, source: FixedType, family: Family) -> Content:
    stage = stage.reading(source.fraction)
    zeros, bits = stage.offset_zeros, bits_for(*stage.sums(source.low, source.high))
    offsets = [offset >> zeros for line in stage.offsets for offset in line]
    factors = [factor for line in stage.factors for factor in line]
    tables = 0
    if stage.channels * len(stage.factors) > 1:
        tables = sum(bits_for(min(numbers), max(numbers)) for numbers in (factors, offsets))
    wide, narrow = family.multiplier.operands
    long, short = sorted((source.width + (not source.signed), bits_for(min(factors), max(factors))), reverse=True)
    dsp = -(-(long - 1) // (wide - 1)) * -(-(short - 1) // (narrow - 1))
    levels = bits - stage.shift
    return Content(LutParts(tables=tables, adders=bits - zeros, results=stage.type.width + levels // 5), dsp=dsp)


FACET = StageCost(_content)
