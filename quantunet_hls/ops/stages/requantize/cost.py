"""What requantization costs: tables of factors and offsets, a multiplier, an adder, a choice.

Source
    Fitted for UltraScale+ (Yosys 0.70) to the lanes of ``benchmarks/layer_estimates.py`` (2 to 8 bits, 1 to 128
    channels) and to those of ``benchmarks/requantizers.py``; the former has the errors.
    ECP5: 1.1 to 3 times as many LUTs, the more the more channels, for its LUTs have four inputs; it is rough there.
"""

from __future__ import annotations

import numpy as np

from quantunet_hls.ops.cost import Content, StageCost, rom_luts
from quantunet_hls.ops.lanes import by_lane
from quantunet_hls.ops.stages.requantize.product import offset_zeros, product_of
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.types.fixed import FixedType, Integers, bits_for

__all__ = ["FACET"]

#: LUTs of a bit of the sum, of the sum of two parts of a product, of a level, of a value that is compared with a split,
#: and of the counter of channels.
_SUM, _JOINED, _LEVEL, _COMPARED, _COUNTED = 0.6, 0.91, 1.37, 0.54, 2.5

#: Where there are no blocks, bits of a product in LUTs (:class:`.LutParts`) that a bit of the value times a bit of the
#: factor is: of a factor out of a table, and of a constant.
_PRODUCT, _CONSTANT_PRODUCT = 1.5, 0.68


def _content(stage: Requantize, lanes: int, source: FixedType, family: Family) -> Content:
    stage = stage.reading(source.fraction)
    product = product_of(stage, source)
    kind = FixedType(product.value_bits) if product.clipped else source
    zeros, bits = offset_zeros(stage, product), bits_for(*stage.sums(kind.low, kind.high))
    wide, narrow = family.multiplier.operands
    blocks = 0 if product.narrow else product.blocks(wide, narrow)
    luts = _SUM * (bits - zeros) + _LEVEL * stage.type.width
    # Two blocks that share a product give two parts of it, which are added.
    luts += _JOINED * (blocks // 2) * max(bits - narrow + 1, 0)
    if stage.half_even:
        luts += stage.type.width + stage.shift // 5
    if stage.splits:
        luts += _COMPARED * source.width
    if product.clipped:
        luts += kind.width + (source.width - kind.width) // 2
    factors = by_lane(stage.factors, lanes)
    offsets = by_lane([[offset >> zeros for offset in line] for line in stage.offsets], lanes)
    splits = by_lane([stage.splits], lanes) if stage.splits else []
    tables = sum(_tables(*pair) for pair in zip(factors, offsets, strict=True)) + sum(map(_tables, splits))
    beats = max(stage.channels // lanes, 1)
    # Nothing is known of what is loaded.
    multiplied = [numbers for numbers in factors if stage.loaded or not _is_shift(numbers)]
    instead = sum(_PRODUCT if stage.loaded or _varies(numbers) else _CONSTANT_PRODUCT for numbers in multiplied)
    content = Content(LutParts(requantizers=lanes * luts + tables + _COUNTED * (beats - 1).bit_length()),
                      dsp=len(multiplied) * blocks,
                      instead=LutParts(products=instead * product.value_bits * product.factor_bits))
    return content if blocks else content.without_blocks()


def _varies(numbers: Integers) -> bool:
    """Whether a lane has several factors."""
    return bool((numbers != numbers.flat[0]).any())


def _is_shift(numbers: Integers) -> bool:
    """Whether a lane has one factor for ever, and that is a power of two."""
    first = abs(int(numbers.flat[0]))
    return not _varies(numbers) and not first & (first - 1)


def _tables(*numbers: Integers) -> int:
    """LUTs of what is looked up at one place: numbers (lines, beats of a pixel)."""
    beats = np.broadcast_shapes(*(each.shape for each in numbers))
    return rom_luts(*(np.broadcast_to(each, beats).reshape(-1) for each in numbers))


FACET = StageCost(_content)
