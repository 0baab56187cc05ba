"""How the one product of a requantizer is made of multiplier blocks: of which bits, and in how many parts.

Tools cut a product by the wider operand for the block's wider port, and by the narrower one for the narrower port. An
accumulator of 22 bits times a factor of 28 is then cut twice, by ports of 27 and 18 bits into four blocks, where two
halves of the factor on the narrower port take two. So it is cut here.

Sums beyond some number have the lowest or the highest level in every channel. Where that leaves an operand for the
narrower port, they are brought to that number first: that takes a LUT a bit, and half of the blocks are left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantunet_hls.ops.packing import NARROWEST_BLOCK_PRODUCT
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.types.fixed import FixedType, Integers, shifted_right

__all__ = ["PART", "Product", "offset_zeros", "product_of"]

#: Bits of the lower part of an operand that is cut: a narrow port's, less its sign.
PART = 17
#: Operands of a block: DSP48E2 (UG579). The wider one of a DSP48E1 (UG479) has two bits less.
_WIDE, _NARROW, _LEAST_WIDE = 27, 18, 25


@dataclass(frozen=True)
class Product:
    """A value times a factor, both signed.

    Attributes:
        value_bits: of the value.
        factor_bits: of the factor.
        clipped: whether the value has been brought into so many bits, with the same level in every channel.
    """

    value_bits: int
    factor_bits: int
    clipped: bool = False

    @property
    def cut(self) -> str | None:
        """The operand that comes in two parts, the lower one of :data:`PART` bits; None for one product."""
        short, long = sorted((self.value_bits, self.factor_bits))
        if short <= _NARROW or short > _LEAST_WIDE or not _LEAST_WIDE < long <= 2 * PART + 1:
            return None
        return "value" if self.value_bits == long else "factor"

    @property
    def narrow(self) -> bool:
        """Whether Yosys makes it in LUTs."""
        return self.value_bits + self.factor_bits - 1 < NARROWEST_BLOCK_PRODUCT

    def blocks(self, wide: int = _WIDE, narrow: int = _NARROW) -> int:
        """Multiplier blocks of such operands that it takes."""
        short, long = sorted((self.value_bits, self.factor_bits))
        if self.cut is None:
            return _cuts(long, wide) * _cuts(short, narrow)
        short, long = sorted((short, PART + 1))
        return 2 * _cuts(long, wide) * _cuts(short, narrow)


def product_of(stage: Requantize, source: FixedType) -> Product:
    """That of a stage that reads the fraction bits of its source."""
    whole = Product(source.width + (not source.signed), stage.factor_bits)
    if stage.loaded:
        # Nothing is known of the levels of what is loaded.
        return whole
    for width in (_NARROW, _LEAST_WIDE):
        clipped = Product(width, whole.factor_bits, clipped=True)
        if width < whole.value_bits and clipped.blocks() < whole.blocks() and _saturates(stage, source, width):
            return clipped
    return whole


def offset_zeros(stage: Requantize, product: Product) -> int:
    """Bits at the end of every offset that are 0, and into which the parts of the product carry nothing."""
    return stage.offset_zeros if product.cut is None else min(stage.offset_zeros, PART)


def _saturates(stage: Requantize, source: FixedType, width: int) -> bool:
    """Whether each line has one level from the ends of a signed number of so many bits on outwards.

    Lines are monotone, so two integers of one level have it between them.
    """
    low, high = -1 << width - 1, (1 << width - 1) - 1
    splits = np.array(stage.splits or (source.low,))
    ends = ([(np.array(source.low), np.array(source.high))] if not stage.splits else
            [(np.array(source.low), splits - 1), (splits, np.array(source.high))])
    for line, (first, last) in enumerate(ends):
        for end, outer in ((low, np.minimum(first, low)), (high, np.maximum(last, high))):
            if not np.array_equal(_levels(stage, line, np.array(end)), _levels(stage, line, outer)):
                return False
    return True


def _levels(stage: Requantize, line: int, codes: Integers) -> Integers:
    """Of an integer for each channel, or one for all, by one line."""
    sums = np.array(stage.factors[line]) * codes + np.array(stage.offsets[line])
    return np.clip(shifted_right(sums, stage.shift, "RND_CONV" if stage.half_even else "TRN"), stage.low, stage.high)


def _cuts(bits: int, port: int) -> int:
    return -(-(bits - 1) // (port - 1))
