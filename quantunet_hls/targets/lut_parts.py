"""What takes LUTs in a layer, in bits: the words in which a family's costs are told."""

from __future__ import annotations

from dataclasses import astuple, dataclass

__all__ = ["LutParts"]


@dataclass(frozen=True)
class LutParts:
    """What takes LUTs, in bits unless said otherwise.

    Attributes:
        units: of matrix-vector, pooling and comparing units, a number: their counters and credits.
        adders: of adder trees.
        accumulators: with the choice between the bias and the sum so far.
        digits: of multiples and sums of look-up table multipliers, those of three times each activation included.
        corrections: of packed products whose lowest bit lies on another product.
        products: of products that Yosys makes of LUTs by itself: bits of the one times bits of the other.
        tables: of ROMs of up to 16 words, a number: outputs whose content differs.
        deep_tables: of deeper ones, the same for every 16 words: logic of so many inputs is not found as one table.
        rounding: of sums behind which a carry runs for rounding.
        results: that are saturated, set to zero below zero, or compared.
        buffers: of line buffers, a number: what of them has no width.
        addresses: of counters, adders and comparisons that say where line buffers are read and written.
        beats: of words that are chosen or set to zero: padding, zeros, concats, adapters.
        fifos: a number.
        levels: of FIFOs' counters.
        requantizers: LUTs of six inputs that requantizers, thresholds and tables of functions take, a number.
    """

    units: float = 0
    adders: float = 0
    accumulators: float = 0
    digits: float = 0
    corrections: float = 0
    products: float = 0
    tables: float = 0
    deep_tables: float = 0
    rounding: float = 0
    results: float = 0
    buffers: float = 0
    addresses: float = 0
    beats: float = 0
    fifos: float = 0
    levels: float = 0
    requantizers: float = 0

    def __add__(self, other: LutParts) -> LutParts:
        return LutParts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def times(self, number: int) -> LutParts:
        """The same so many times."""
        return LutParts(*(number * part for part in astuple(self)))
