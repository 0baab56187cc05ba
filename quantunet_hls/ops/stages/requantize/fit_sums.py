"""Sums of two integers of different scales in front of a quantizer, as ``clip((M1 * x + M2 * y + B) >> S, low, high)``.

No line in one integer tells the level of ``a * x + b * y + c`` where a and b have no common measure that hardware can
hold. So M1, M2, B and S are proven over all pairs: in the order of their exact values the pairs of each level lie
between those of the levels below and above, and so must their sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from quantunet_hls.ops.stages.requantize.fit import MAX_SUM_BITS
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.stages.requantize.steps import Tread
from quantunet_hls.types.fixed import Integers, covering

__all__ = ["Pairs", "Weighed", "fit_sums"]

#: Largest S that is tried.
_MAX_SHIFT = 40


@dataclass(frozen=True)
class Weighed:
    """An operand of a sum.

    Attributes:
        factor: that an integer is weighed with, in the numbers of the sum.
        low: least integer that comes.
        high: greatest.
        fraction: bits behind the point of what comes.
    """

    factor: Fraction
    low: int
    high: int
    fraction: int

    @property
    def integers(self) -> Integers:
        """All that can come."""
        return np.arange(self.low, self.high + 1)


class Pairs:
    """All pairs of one channel, in the order of their sums.

    Attributes:
        operands: both.
        first: least sum, in steps of 1 over a common denominator.
        last: greatest.
        step: of these sums.
    """

    def __init__(self, one: Weighed, other: Weighed):
        self.operands = (one, other)
        unit = lcm(one.factor.denominator, other.factor.denominator)
        factors = [int(each.factor * unit) for each in self.operands]
        self.step = Fraction(1, unit)
        # Python's integers, which are as wide as they have to be.
        sums: Any = np.add.outer(one.integers.astype(object) * factors[0], other.integers.astype(object) * factors[1])
        flat = sums.reshape(-1)
        self._order = np.argsort(flat, kind="stable")
        self._sums = flat[self._order]
        self.first, self.last = self._sums[0], self._sums[-1]

    def asked(self, treads: Sequence[Tread], slopes: Sequence[Fraction]) -> Asked:
        """What the steps of these sums ask for.

        Args:
            treads: of all sums.
            slopes: of the lines behind them, in levels.
        """
        slope = max(slopes, key=abs)
        places = np.searchsorted(self._sums, np.array([tread.first for tread in treads[1:]], dtype=object))
        return Asked(self, slope / self.step, places, [tread.level for tread in treads])

    def sums(self, factors: Sequence[int]) -> Integers:
        """Of all pairs, in order, weighed with whole numbers instead."""
        one, other = self.operands
        return np.add.outer(one.integers * factors[0], other.integers * factors[1]).reshape(-1)[self._order]


@dataclass(frozen=True, eq=False)
class Asked:
    """The pairs of a channel, and the levels that they have.

    Attributes:
        pairs: in order of their sums.
        slope: levels for 1 of a sum.
        places: at which pair the next level begins.
        levels: in order, one more.
    """

    pairs: Pairs
    slope: Fraction
    places: Integers
    levels: Sequence[int]

    def fitted(self, shift: int, low: int, high: int) -> tuple[tuple[int, int], int, int] | None:
        """Both factors with this shift, and the least and the greatest offset; None where there is none."""
        one, other = (round(each.factor * self.slope * (1 << shift)) for each in self.pairs.operands)
        reach = sum(abs(factor) * max(abs(each.low), abs(each.high))
                    for factor, each in zip((one, other), self.pairs.operands, strict=True))
        if 2 * (reach + (max(map(abs, (low, high))) + 1 << shift)) >> MAX_SUM_BITS:
            return None
        sums = self.pairs.sums((one, other))
        starts, ends = [0, *self.places.tolist()], [*self.places.tolist(), len(sums)]
        parts = [(sums[start:end], level) for start, end, level in zip(starts, ends, self.levels, strict=True)
                 if start < end]
        least = max(((level << shift) - int(part.min()) for part, level in parts if level > low), default=None)
        most = min((((level + 1) << shift) - 1 - int(part.max()) for part, level in parts if level < high),
                   default=None)
        # Where all is clipped to one side, one end is open, and any width will do.
        least = min(most or 0, 0) - (1 << shift) if least is None else least
        most = max(least, 0) + (1 << shift) if most is None else most
        return ((one, other), least, most) if least <= most else None


def fit_sums(channels: Sequence[Asked], which: Sequence[int], result_fraction: int
             ) -> tuple[Requantize, Requantize, Requantize] | None:
    """What weighs each operand, and what makes levels of the sums; None where no shift will do.

    Args:
        channels: those that differ.
        which: of them each channel of the layer is.
        result_fraction: bits behind the point of the levels.
    """
    levels = [level for channel in channels for level in channel.levels]
    low, high = min(levels), max(levels)
    for shift in range(_MAX_SHIFT + 1):
        found = [channel.fitted(shift, low, high) for channel in channels]
        fits = [fit for fit in found if fit is not None]
        if len(fits) == len(channels):
            factors = [fits[index][0] for index in which]
            offsets = tuple(min(max(fits[index][1], 0), fits[index][2]) for index in which)
            one, other = (_weighing([channels[index].pairs.operands[side] for index in which],
                                    [pair[side] for pair in factors]) for side in (0, 1))
            return one, other, Requantize(covering(low, high, result_fraction), low, high, shift,
                                          ((1,) * len(which),), (offsets,))
    return None


def _weighing(operands: Sequence[Weighed], factors: Sequence[int]) -> Requantize:
    """Integers times whole numbers."""
    ends = [factor * end for factor, each in zip(factors, operands, strict=True) for end in (each.low, each.high)]
    low, high = min(ends), max(ends)
    return Requantize(covering(low, high), low, high, 0, (tuple(factors),), ((0,) * len(factors),), (),
                      operands[0].fraction)
