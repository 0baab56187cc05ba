"""What a layer does to each value by itself, behind its sums: casts, quotients, activations, tables, thresholds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from quantunet_hls.types.fixed import FixedType, Integers, cast, shifted_right

__all__ = ["BIT", "SIGMOID_REACH", "SIGMOID_TYPE", "Cast", "LeakyRelu", "Quotient", "Relu", "Sigmoid", "Threshold",
           "sigmoid_index", "sigmoid_table"]

#: hls4ml's sigmoid table covers [-8, 8).
SIGMOID_REACH = 8
#: What the flow's own sigmoid tables hold: as fine as a step of a table of 1024 entries changes them, 1 as 255/256.
SIGMOID_TYPE = FixedType(8, 8, False, "RND", "SAT")
#: The type of a yes or no.
BIT = FixedType(1, 0, False)
#: Fraction bits that hold every single-precision sigmoid of [-8, 8): 24 digits behind 2**-12.
_SIGMOID_FRACTION = 40


@dataclass(frozen=True)
class Cast:
    """The value, cast into another type."""

    type: FixedType


@dataclass(frozen=True)
class Relu:
    """Zero where the value is not positive, else the value cast into ``type``."""

    type: FixedType


@dataclass(frozen=True)
class LeakyRelu:
    """The value where it is positive, else ``slope * 2**-slope_fraction`` times it, cast into ``type``."""

    type: FixedType
    slope: int
    slope_fraction: int


@dataclass(frozen=True)
class Quotient:
    """The value divided by a whole number, cut towards zero behind the last fraction bit of ``type``.

    ``type`` holds every quotient and has no fewer fraction bits than the value.
    """

    type: FixedType
    divisor: int


@dataclass(frozen=True)
class Sigmoid:
    """The entry of a table over [-8, 8) that the value's truncated index points at.

    ``table`` holds codes of ``type``.
    """

    type: FixedType
    table: tuple[int, ...]


@dataclass(frozen=True)
class Threshold:
    """1 where the value exceeds ``limit * 2**-fraction``, else 0."""

    limit: int
    fraction: int
    type: FixedType = field(default=BIT)


def sigmoid_table(size: int, kind: FixedType, result: FixedType) -> tuple[int, ...]:
    """Codes of ``result``: the table of ``nnet::init_sigmoid_table``, computed in single precision as there.

    Args:
        size: entries.
        kind: of hls4ml's table.
        result: to which hls4ml assigns what it reads from the table.
    """
    x = (2 * SIGMOID_REACH * (np.arange(size) - size / 2.0) / size).astype(np.float32)
    exponential = np.exp(-x.astype(np.float64)).astype(np.float32)
    values = (1.0 / (np.float32(1) + exponential).astype(np.float64)).astype(np.float32)
    fine = np.ldexp(values.astype(np.float64), _SIGMOID_FRACTION).astype(np.int64)
    entries = cast(cast(fine, FixedType(63, _SIGMOID_FRACTION), kind), kind, result)
    return tuple(int(entry) for entry in entries)


def sigmoid_index(codes: Integers, fraction: int, size: int) -> Integers:
    """Where codes of so many fraction bits look in a table of a multiple of 16 entries (``nnet::sigmoid``)."""
    scaled = shifted_right(codes * (size // (2 * SIGMOID_REACH)), fraction, "TRN_ZERO")
    return np.clip(scaled + size // 2, 0, size - 1)
