"""What stands between an integer and the next quantizer's level, as a step function, in exact arithmetic.

Behind a layer's integer ``x`` scales, biases, batch normalization and slopes are
lines: from some integer on the value is ``factor * x + offset``, both rational.
A quantizer makes a step function of that. Here it is written down as its treads:
the integers from where on it stays at a level. Nothing is rounded but by the
quantizer itself, ties included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

__all__ = ["Line", "Piece", "Quantizer", "Rounding", "Tread", "affine", "bent", "nearest_threshold", "treads"]


#: Levels an integer, and the level of 0: exact.
Line = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Piece:
    """A line of values: from the integer ``first`` on, up to the next piece, ``factor * x + offset``."""

    first: int
    factor: Fraction
    offset: Fraction

    def at(self, x: int) -> Fraction:
        """The value of an integer."""
        return self.factor * x + self.offset


class Rounding(Protocol):
    """What makes levels of values: a :class:`Quantizer`, or one with a function in front."""

    @property
    def scale(self) -> Fraction:
        """Of a level."""

    @property
    def zero(self) -> int:
        """The level that stands for 0."""

    @property
    def low(self) -> int:
        """Lowest level."""

    @property
    def high(self) -> int:
        """Highest level."""

    @property
    def rises(self) -> bool:
        """Whether a larger value never has a lower level."""

    @property
    def evens(self) -> bool:
        """Whether ties on a line go to even levels, counted from that of 0."""

    def level(self, value: Fraction) -> int:
        """The level of a value, in steps from that of 0: the integer that hardware holds."""

    def starts(self, piece: Piece, end: int) -> list[tuple[int, int]]:
        """The first integer of each tread of a piece that ends there, and its level."""

    def lines(self, pieces: Sequence[Piece], treads: Sequence[Tread]) -> list[Line]:
        """Lines that have these treads, or are near one that has, in levels from that of 0."""

    def nearest(self, piece: Piece, x: int) -> Fraction | None:
        """How near the value of an integer comes to where the level changes, in steps; None where nobody looks."""


@dataclass(frozen=True)
class Quantizer:
    """QONNX's ``Quant``: ``clip(round(value / scale + zero), low, high)``.

    Attributes:
        scale: of a level.
        zero: the level that stands for 0.
        low: lowest level.
        high: highest level.
        half_even: whether it rounds to the nearest, ties to even levels; else down.
    """

    scale: Fraction
    zero: int
    low: int
    high: int
    half_even: bool = True

    def level(self, value: Fraction) -> int:
        """The level of a value, in steps from that of 0: the integer that hardware holds."""
        exact = value / self.scale + self.zero
        # Python rounds a Fraction to the nearest whole number, ties to even.
        rounded = round(exact) if self.half_even else exact.__floor__()
        return min(max(rounded, self.low), self.high) - self.zero

    @property
    def rises(self) -> bool:
        """Always."""
        return True

    @property
    def evens(self) -> bool:
        """See :class:`Rounding`."""
        return self.half_even and self.zero % 2 == 0

    def starts(self, piece: Piece, end: int) -> list[tuple[int, int]]:
        """See :class:`Rounding`."""
        return _starts(piece, end, self)

    def lines(self, pieces: Sequence[Piece], treads: Sequence[Tread]) -> list[Line]:
        """Those of the pieces."""
        found = dict.fromkeys((piece.factor / self.scale, piece.offset / self.scale) for piece in pieces)
        return sorted(found, key=lambda line: line[0] == 0)

    def nearest(self, piece: Piece, x: int) -> Fraction:
        """See :class:`Rounding`."""
        half = Fraction(1, 2) if self.half_even else Fraction(0)
        exact = piece.at(x) / self.scale + self.zero + half
        return abs(exact - min(max(round(exact), self.low + 1), self.high))

    def limited(self, other: Quantizer) -> Quantizer:
        """It with one of the same scale behind it, which rounds nothing and keeps its own levels only."""
        low, high = (end - other.zero + self.zero for end in (other.low, other.high))
        least, most = (min(max(end, low), high) for end in (self.low, self.high))
        return Quantizer(self.scale, self.zero, least, most, self.half_even)


@dataclass(frozen=True)
class Tread:
    """From the integer ``first`` to ``last``, both included, the result is ``level``."""

    first: int
    last: int
    level: int


def affine(pieces: Sequence[Piece], factor: Fraction, offset: Fraction) -> tuple[Piece, ...]:
    """The values times a factor, plus an offset."""
    return tuple(Piece(piece.first, piece.factor * factor, piece.offset * factor + offset) for piece in pieces)


def bent(pieces: Sequence[Piece], last: int, below: Fraction) -> tuple[Piece, ...]:
    """Values below zero times ``below``: 0 for ReLU, a slope for LeakyReLU.

    Args:
        pieces: in order.
        last: largest integer that can come.
        below: the factor.
    """
    found: list[Piece] = []
    for piece, end in zip(pieces, _ends(pieces, last), strict=True):
        parts = _parts_by_sign(piece, end)
        found += [Piece(first, piece.factor * below, piece.offset * below) if negative
                  else Piece(first, piece.factor, piece.offset) for first, negative in parts]
    return _merged(found)


def treads(pieces: Sequence[Piece], last: int, quantizer: Rounding) -> tuple[Tread, ...]:
    """The step function of all integers from the first piece's on to ``last``."""
    starts: list[tuple[int, int]] = []
    for piece, end in zip(pieces, _ends(pieces, last), strict=True):
        for first, level in quantizer.starts(piece, end):
            if not starts or starts[-1][1] != level:
                starts.append((first, level))
    ends = [first - 1 for first, _ in starts[1:]] + [last]
    return tuple(Tread(first, end, level) for (first, level), end in zip(starts, ends, strict=True))


def nearest_threshold(pieces: Sequence[Piece], last: int, quantizer: Rounding) -> Fraction | None:
    """How near the value of an integer comes to where the level changes, in steps; None where it never does."""
    found = [quantizer.nearest(piece, x) for piece, end in zip(pieces, _ends(pieces, last), strict=True)
             for tread in treads((piece,), end, quantizer)[:-1] for x in (tread.last, tread.last + 1)]
    return min((distance for distance in found if distance is not None), default=None)


def _ends(pieces: Sequence[Piece], last: int) -> list[int]:
    return [piece.first - 1 for piece in pieces[1:]] + [last]


def _parts_by_sign(piece: Piece, end: int) -> list[tuple[int, bool]]:
    """Where it begins to be negative, or not: first integers, and whether it is."""
    if piece.factor == 0 or (piece.at(piece.first) < 0) == (piece.at(end) < 0):
        return [(piece.first, piece.at(end) < 0)]
    root = -piece.offset / piece.factor
    rises = piece.factor > 0
    # Rising, the first integer that is not negative; falling, the first that is.
    change = root.__ceil__() if rises else root.__floor__() + 1
    return [(piece.first, rises), (change, not rises)]


def _merged(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Without the borders between pieces of one line."""
    kept: list[Piece] = []
    for piece in pieces:
        if not kept or (kept[-1].factor, kept[-1].offset) != (piece.factor, piece.offset):
            kept.append(piece)
    return tuple(kept)


def _starts(piece: Piece, end: int, quantizer: Quantizer) -> list[tuple[int, int]]:
    """The first integer of each tread of a piece, and its level."""
    first, final = quantizer.level(piece.at(piece.first)), quantizer.level(piece.at(end))
    found = [(piece.first, first)]
    if first == final:
        return found
    # All in whole numbers: value / scale + zero is (slope * x + shift) / unit.
    factor, offset = piece.factor / quantizer.scale, piece.offset / quantizer.scale + quantizer.zero
    unit = factor.denominator * offset.denominator
    slope, shift = factor.numerator * offset.denominator, offset.numerator * factor.denominator
    rises = slope > 0
    for step in range(1, abs(final - first) + 1):
        level = first + step if rises else first - step
        # Rising, a level begins where it is reached; falling, where the level above is no longer reached.
        reached = (level if rises else level + 1) + quantizer.zero
        x = _least_reaching(slope, shift, unit, reached, half_even=quantizer.half_even)
        if found[-1][0] == x:
            found.pop()
        found.append((x, level))
    return found


def _least_reaching(slope: int, shift: int, unit: int, level: int, *, half_even: bool) -> int:
    """The least x from which on the rounded ``(slope * x + shift) / unit`` reaches a level; falling, no longer does."""
    if half_even:
        # A tie, half a step below the level, is rounded up to it where the level is even.
        slope, shift, bound = 2 * slope, 2 * shift, (2 * level - 1) * unit
        reaches_at_tie = level % 2 == 0
    else:
        bound, reaches_at_tie = level * unit, True
    if slope > 0:
        least = -((shift - bound) // slope)  # ceil((bound - shift) / slope)
        return least if reaches_at_tie or slope * least + shift != bound else least + 1
    greatest = (shift - bound) // -slope  # the last x with slope * x + shift >= bound
    if not reaches_at_tie and slope * greatest + shift == bound:
        greatest -= 1
    return greatest + 1
