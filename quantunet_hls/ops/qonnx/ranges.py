"""Ranges of tensors and the types that hold them: what the operators' range proofs take and give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantunet_hls.types.fixed import FixedType, covering

__all__ = ["MAX_RANGE_BITS", "MAX_WIDTH", "LayerTypes", "Range", "Typed", "all_values", "positive_values",
           "same_values", "shift_left", "times", "to_steps"]

#: Widest integer that a proof counts with.
MAX_RANGE_BITS = 62
#: Widest type: C-simulation and its comparison pass values on as 64-bit floats.
MAX_WIDTH = 53


@dataclass(frozen=True)
class Range:
    """Values of a tensor, channel by channel, in steps of 2**exponent.

    ``low`` and ``high`` are int64 arrays (channels,).
    """

    low: np.ndarray
    high: np.ndarray
    exponent: int

    def at(self, exponent: int) -> Range:
        """The same values in finer steps."""
        shift = self.exponent - exponent
        if shift < 0:
            raise ValueError("a range can't be written in coarser steps")
        return Range(shift_left(self.low, shift), shift_left(self.high, shift), exponent)

    def with_zero(self) -> Range:
        """The smallest range that contains these values and 0."""
        return Range(np.minimum(self.low, 0), np.maximum(self.high, 0), self.exponent)

    def type(self, *, signed: bool | None = None) -> FixedType:
        """The narrowest type that holds all channels."""
        return covering(int(self.low.min()), int(self.high.max()), -self.exponent, signed=signed)


@dataclass(frozen=True)
class LayerTypes:
    """Types of one node: what it writes, and for a layer with arithmetic what it computes with."""

    result: FixedType
    accumulator: FixedType | None = None
    weight: FixedType | None = None
    bias: FixedType | None = None


#: What a node's result can be, and the types that it is computed with.
Typed = tuple[Range, LayerTypes]


def all_values(kind: FixedType, channels: int) -> Range:
    """All values of a type, in each channel."""
    return Range(np.full(channels, kind.lowest), np.full(channels, kind.high), kind.exponent)


def same_values(inputs: Sequence[Range]) -> Typed:
    """The proof of a node that copies the values of its one input."""
    (given,) = inputs
    return given, LayerTypes(given.type())


def positive_values(inputs: Sequence[Range]) -> Typed:
    """The proof of a node that puts 0 in the place of its one input's negative values."""
    (given,) = inputs
    result = Range(np.maximum(given.low, 0), np.maximum(given.high, 0), given.exponent)
    return result, LayerTypes(result.type())


def to_steps(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Fixed-point numbers as integers (int64) and the largest power of two that they are multiples of.

    All zeros are (0, ..., 0) in steps of 1.

    Raises:
        OverflowError: the numbers span more than 62 bits.
    """
    values = np.asarray(values, dtype=np.float64)
    if not np.any(values):
        return np.zeros(values.shape, dtype=np.int64), 0
    mantissa, exponents = np.frexp(values[values != 0])
    digits = np.abs((mantissa * 2.0**53).astype(np.int64))
    trailing = np.log2((digits & -digits).astype(np.float64)).astype(np.int64)
    exponent = int((exponents - 53 + trailing).min())
    if exponents.max() - exponent > MAX_RANGE_BITS:
        raise OverflowError("the values span more than 62 bits")
    return np.ldexp(values, -exponent).astype(np.int64), exponent


def shift_left(values: np.ndarray, shift: int) -> np.ndarray:
    """The values times 2**shift.

    Raises:
        OverflowError: they leave :data:`MAX_RANGE_BITS` bits.
    """
    if np.any(values) and int(np.abs(values).max()).bit_length() + shift > MAX_RANGE_BITS:
        raise OverflowError
    return np.left_shift(values, shift if np.any(values) else 0)


def times(values: np.ndarray, factor: int) -> np.ndarray:
    """The values times a whole number.

    Raises:
        OverflowError: they leave :data:`MAX_RANGE_BITS` bits.
    """
    if int(np.abs(values).max()) * factor >= 1 << MAX_RANGE_BITS:
        raise OverflowError
    return values * factor
