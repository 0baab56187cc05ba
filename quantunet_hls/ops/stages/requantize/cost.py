"""What requantization costs: tables of factors and offsets, a multiplier, an adder, a choice.

Source
    UltraScale+ (Yosys 0.70): of the lanes of ``benchmarks/requantizers.py`` (4 to 8 bits, 16 channels) the sum below is
    off by 7 % at most. Of single lanes of 2 to 8 bits and up to 128 channels it was that of six of seven to 1 LUT, and
    10 of 40 too many for 4 channels, whose tables Yosys simplifies.
    ECP5: 1.1 to 3 times as many LUTs, the more the more channels, for its LUTs have four inputs; it is rough there.
"""

from __future__ import annotations

from collections.abc import Iterable

from quantunet_hls.ops.cost import Content, StageCost
from quantunet_hls.ops.stages.requantize.product import offset_zeros, product_of
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.types.fixed import FixedType, bits_for

__all__ = ["FACET"]

#: Words of a table that one LUT holds a bit of.
_WORDS = 64


def _content(stage: Requantize, source: FixedType, family: Family) -> Content:
    stage = stage.reading(source.fraction)
    product = product_of(stage, source)
    kind = FixedType(product.value_bits) if product.clipped else source
    zeros, bits = offset_zeros(stage, product), bits_for(*stage.sums(kind.low, kind.high))
    offsets = [offset >> zeros for line in stage.offsets for offset in line]
    factors = [factor for line in stage.factors for factor in line]
    words = stage.channels * len(stage.factors)
    luts = bits - zeros + _table(factors, words) + _table(offsets, words) + stage.type.width
    if stage.half_even:
        luts += stage.type.width + stage.shift // 5
    if stage.splits:
        luts += _table(stage.splits, stage.channels) + source.width // 2
    if product.clipped:
        luts += kind.width + (source.width - kind.width) // 2
    wide, narrow = family.multiplier.operands
    dsp = product.blocks(wide, narrow)
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
