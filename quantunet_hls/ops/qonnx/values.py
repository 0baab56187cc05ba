"""What a tensor's numbers are, where hardware holds other numbers for them: functions of one value, channel by channel.

In hardware a tensor holds whole numbers. The file's number for one of them is a
chain of steps: times a scale, plus a bias, bent at zero by a ReLU, and so on.
Every step is exact, in fractions; nothing is rounded before the next quantizer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

from quantunet_hls.ops.stages.requantize.steps import Piece, affine, bent

__all__ = ["IDENTITY", "Bend", "Chain", "Clamp", "Line", "Step", "exact", "per_channel", "pieces_of", "scaled"]


class Step(Protocol):
    """A function of one value."""

    @property
    def rises(self) -> bool:
        """Whether a larger value never gives a smaller one."""

    def value(self, given: Fraction) -> Fraction:
        """Of a value."""

    def after(self, pieces: Sequence[Piece], last: int) -> tuple[Piece, ...]:
        """Of all values of pieces, whose largest integer is ``last``."""


@dataclass(frozen=True)
class Line:
    """The value times ``factor``, plus ``offset``."""

    factor: Fraction
    offset: Fraction = Fraction(0)

    @property
    def rises(self) -> bool:
        """Whether the factor is not negative."""
        return self.factor >= 0

    def value(self, given: Fraction) -> Fraction:
        """Of a value."""
        return given * self.factor + self.offset

    def after(self, pieces: Sequence[Piece], last: int) -> tuple[Piece, ...]:
        """Each piece times the factor, plus the offset."""
        return affine(pieces, self.factor, self.offset)


@dataclass(frozen=True)
class Bend:
    """Values below zero times ``below``: 0 for ReLU, a slope for LeakyReLU."""

    below: Fraction

    @property
    def rises(self) -> bool:
        """Whether the slope is not negative."""
        return self.below >= 0

    def value(self, given: Fraction) -> Fraction:
        """Of a value."""
        return given * self.below if given < 0 else given

    def after(self, pieces: Sequence[Piece], last: int) -> tuple[Piece, ...]:
        """Each piece, cut where its values change their sign."""
        return bent(pieces, last, self.below)


@dataclass(frozen=True)
class Clamp:
    """The value, or the limit that it passes; None for no limit."""

    low: Fraction | None
    high: Fraction | None

    @property
    def rises(self) -> bool:
        """Always."""
        return True

    def value(self, given: Fraction) -> Fraction:
        """Of a value."""
        given = given if self.low is None else max(given, self.low)
        return given if self.high is None else min(given, self.high)

    def after(self, pieces: Sequence[Piece], last: int) -> tuple[Piece, ...]:
        """Each piece, cut where its values pass a limit: a ReLU on what is left of it."""
        one, none = Fraction(1), Fraction(0)
        found = tuple(pieces)
        if self.low is not None:
            found = affine(bent(affine(found, one, -self.low), last, none), one, self.low)
        if self.high is not None:
            found = affine(bent(affine(found, -one, self.high), last, none), -one, self.high)
        return found


@dataclass(frozen=True)
class Chain:
    """From the number that hardware holds to the file's.

    Attributes:
        steps: in order; lines that follow each other are one.
    """

    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> Chain:
        """The chain with one step more."""
        steps = self.steps
        if isinstance(step, Line) and steps and isinstance(steps[-1], Line):
            before = steps[-1]
            step = Line(before.factor * step.factor, before.offset * step.factor + step.offset)
            steps = steps[:-1]
        return Chain(steps if step == Line(Fraction(1)) else (*steps, step))

    def value(self, number: Fraction) -> Fraction:
        """The file's number for one that hardware holds."""
        for step in self.steps:
            number = step.value(number)
        return number

    @property
    def line(self) -> Line | None:
        """The only line that it is; None where it bends."""
        if not self.steps:
            return Line(Fraction(1))
        return self.steps[0] if len(self.steps) == 1 and isinstance(self.steps[0], Line) else None

    @property
    def rises(self) -> bool:
        """Whether a larger number never gives a smaller one."""
        return all(step.rises for step in self.steps)


#: The file's numbers themselves.
IDENTITY = Chain()


def scaled(factor: Fraction, offset: Fraction = Fraction(0)) -> Chain:
    """Numbers that are to be multiplied by a scale."""
    return IDENTITY.then(Line(factor, offset))


def pieces_of(chain: Chain, first: int, last: int, step: Fraction) -> tuple[Piece, ...]:
    """The file's numbers for the integers from ``first`` to ``last``, which hardware holds in steps of that size."""
    pieces: tuple[Piece, ...] = (Piece(first, step, Fraction(0)),)
    for each in chain.steps:
        pieces = each.after(pieces, last)
    return pieces


def exact(value: float) -> Fraction:
    """A float as the number that it is."""
    return Fraction(float(value))


def per_channel(values: np.ndarray, axis: int, rank: int, channels: int) -> list[Fraction] | None:
    """A constant that is broadcast over images, as a number for every channel; None where it differs within one.

    Args:
        values: the constant.
        axis: of the channels, in the images.
        rank: axes that the images have.
        channels: how many.
    """
    shape = (1,) * (rank - values.ndim) + values.shape
    if len(shape) != rank or math.prod(shape) != shape[axis] or shape[axis] not in (1, channels):
        return None
    numbers = [exact(value) for value in values.reshape(-1)]
    return numbers * channels if len(numbers) == 1 else numbers
