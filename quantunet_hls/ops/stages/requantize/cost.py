"""What requantization costs: tables of factors and offsets, a multiplier, an adder, a choice.

Source
    UltraScale+ (Yosys 0.70): the sum below is that of single lanes of 2 to 8 bits and 16 to 128 channels to 1 LUT in
    six of seven that were mapped (45 to 124 LUTs), and 10 of 40 too many for 4 channels, whose tables Yosys simplifies.
    ECP5: 1.1 to 3 times as many LUTs, the more the more channels, for its LUTs have four inputs; it is rough there.
"""

from __future__ import annotations

from collections.abc import Iterable

from quantunet_hls.ops.cost import Content, StageCost
from quantunet_hls.ops.hardware.packing import bits_for
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]

#: Words of a table that one LUT holds a bit of.
_WORDS = 64


def _content(stage: Requantize, source: FixedType, family: Family) -> Content:
    stage = stage.reading(source.fraction)
    zeros, bits = stage.offset_zeros, bits_for(*stage.sums(source.low, source.high))
    offsets = [offset >> zeros for line in stage.offsets for offset in line]
    factors = [factor for line in stage.factors for factor in line]
    words = stage.channels * len(stage.factors)
    luts = bits - zeros + _table(factors, words) + _table(offsets, words) + stage.type.width
    if stage.half_even:
        luts += stage.type.width + stage.shift // 5
    if stage.splits:
        luts += _table(stage.splits, stage.channels) + source.width // 2
    wide, narrow = family.multiplier.operands
    long, short = sorted((source.width + (not source.signed), bits_for(min(factors), max(factors))), reverse=True)
    dsp = -(-(long - 1) // (wide - 1)) * -(-(short - 1) // (narrow - 1))
    # Two blocks that share a product give two parts of it, which are added.
    luts += dsp // 2 * max(bits - narrow + 1, 0)
    return Content(LutParts(requantizers=luts), dsp=dsp)


def _table(numbers: Iterable[int], words: int) -> int:
    """LUTs of a table: few words have few columns that differ."""
    numbers = list(numbers)
    if len(set(numbers)) == 1:
        return 0
    columns = min(bits_for(min(numbers), max(numbers)), (1 << min(words - 1, 16)) - 1)
    return columns * -(-words // _WORDS)


FACET = StageCost(_content)
