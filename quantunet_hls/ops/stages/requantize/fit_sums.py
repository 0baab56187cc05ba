"""Sums of two integers of different scales in front of a quantizer, as ``clip((M1 * x + M2 * y + B) >> S, low, high)``.

No line in one integer tells the level of ``a * x + b * y + c`` where a and b have no common measure that hardware can
hold. So M1, M2, B and S are proven over all pairs. Of the pairs whose exact sum reaches a level none may stay below
it, and of those that do not reach the next one none may reach that. Both are linear in the pair, so a few corners of
each set of pairs prove all of it (:mod:`.lattice`), and ask for an interval of B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from quantunet_hls.ops.qonnx.ranges import MAX_WIDTH
from quantunet_hls.ops.stages.requantize.fit import MAX_SUM_BITS
from quantunet_hls.ops.stages.requantize.lattice import Box, Pair, corners
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.stages.requantize.steps import Tread
from quantunet_hls.types.fixed import Integers, covering

__all__ = ["Asked", "Pairs", "Weighed", "fit_sums", "weighing", "weighing_fits"]

#: Largest S that is tried.
_MAX_SHIFT = 56
#: Steps away from the exact factors that are tried.
_WALK = 12


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


class Pairs:
    """All pairs of one channel and their sums.

    Attributes:
        operands: both.
        first: least sum, in steps of 1 over a common denominator.
        last: greatest.
        step: of these sums.
    """

    def __init__(self, one: Weighed, other: Weighed):
        self.operands = (one, other)
        unit = lcm(one.factor.denominator, other.factor.denominator)
        self.step = Fraction(1, unit)
        self._factors = (int(one.factor * unit), int(other.factor * unit))
        self._corners: dict[int, list[Pair]] = {}
        self._mirrored: dict[int, list[Pair]] = {}
        self._box = Box((one.low, other.low), (one.high, other.high))
        ends = [sorted((factor * each.low, factor * each.high))
                for factor, each in zip(self._factors, self.operands, strict=True)]
        self.first, self.last = (ends[0][end] + ends[1][end] for end in (0, 1))

    @property
    def signs(self) -> Pair:
        """Of both factors: -1, 0 or 1."""
        one, other = ((factor > 0) - (factor < 0) for factor in self._factors)
        return one, other

    def asked(self, treads: Sequence[Tread], slopes: Sequence[Fraction]) -> Asked | None:
        """What the steps of these sums ask for; None where their levels rise and fall, so no weights have them.

        Args:
            treads: of all sums.
            slopes: of the lines behind them, in levels for a step.
        """
        levels = [tread.level for tread in treads]
        falls = levels[-1] < levels[0]
        if levels != sorted(levels, reverse=falls):
            return None
        slope = max((slope for slope in slopes if slope < 0) if falls else (slope for slope in slopes if slope >= 0),
                    key=abs, default=Fraction(0))
        above: list[tuple[Pair, int]] = []
        below: list[tuple[Pair, int]] = []
        for tread in treads:
            reach, stay = (self.most(tread.last), self.least(tread.first))[::1 if falls else -1]
            above += [(pair, tread.level) for pair in reach]
            below += [(pair, tread.level + 1) for pair in stay]
        first, last = (-treads[0].last, -treads[-1].first) if falls else (treads[-1].first, treads[0].last)
        return Asked(self.operands, slope / self.step, _columns(above), _columns(below),
                     self._saturating(-1 if falls else 1, first, last))

    def _saturating(self, sign: int, first: int, last: int) -> tuple[Pair, Pair]:
        """Of each operand the integers that alone make the lowest and the highest level, or its ends.

        Args:
            sign: of all sums, so that levels rise with them.
            first: of these sums that has the highest level.
            last: that has the lowest.
        """
        factors = [sign * factor for factor in self._factors]
        ends = [sorted((factor * each.low, factor * each.high))
                for factor, each in zip(factors, self.operands, strict=True)]
        found: list[Pair] = []
        for factor, each, (least, most) in zip(factors, self.operands, ends[::-1], strict=True):
            unit, side = abs(factor) or 1, -1 if factor < 0 else 1
            low, high = sorted((side * each.low, side * each.high))
            lowest, highest = (last - most) // unit, -((least - first) // unit)
            found.append((side * min(max(lowest, low), high), side * min(max(highest, low), high)))
        return found[0], found[1]

    def least(self, first: int) -> list[Pair]:
        """Corners of the pairs whose sums reach a number, towards the sums below."""
        if first not in self._corners:
            self._corners[first] = corners(self._factors, first, self._box)
        return self._corners[first]

    def most(self, last: int) -> list[Pair]:
        """Corners of the pairs whose sums do not exceed a number, towards the sums above."""
        if last not in self._mirrored:
            self._mirrored[last] = [(-a, -b) for a, b in corners(self._factors, -last, self._box.mirrored)]
        return self._mirrored[last]


def _columns(demands: Sequence[tuple[Pair, int]]) -> Integers:
    return np.array([(*pair, level) for pair, level in demands], np.int64).reshape(-1, 3)


@dataclass(frozen=True, eq=False)
class Asked:
    """What the levels of a channel's pairs ask for.

    Attributes:
        operands: of the pairs.
        slope: levels for 1 of a sum.
        above: integers of both operands, and the level that they reach (demands, 3).
        below: likewise the level that they do not reach.
        saturating: of each operand the integer from which on down there is the lowest level alone, and likewise up; its
            ends where there are none. Beyond them its product may be cut.
    """

    operands: tuple[Weighed, Weighed]
    slope: Fraction
    above: Integers
    below: Integers
    saturating: tuple[Pair, Pair]

    def clipped(self, low: int, high: int) -> Asked:
        """Without what clipping to these levels does anyway."""
        ends: list[Pair] = []
        for each, (lowest, highest) in zip(self.operands, self.saturating, strict=True):
            rises = each.factor * self.slope >= 0
            least, most = (each.low, each.high) if rises else (each.high, each.low)
            # Where clipping does not hold a level, no operand may be cut.
            ends.append((lowest if self.levels[0] == low else least, highest if self.levels[1] == high else most))
        above, below = self.above[self.above[:, 2] > low], self.below[self.below[:, 2] <= high]
        return Asked(self.operands, self.slope, above, below, (ends[0], ends[1]))

    @property
    def levels(self) -> tuple[int, int]:
        """The lowest and the highest."""
        return int(self.above[:, 2].min()), int(self.above[:, 2].max())

    def fitted(self, shift: int, low: int, high: int) -> Weights | None:
        """Whole numbers with this shift; None where none were found, or they take too many bits.

        Their width, as a function of both factors, is the minimum of linear ones: whoever walks uphill finds the most.
        """
        exact = [each.factor * self.slope for each in self.operands]
        signs = [(number > 0) - (number < 0) for number in exact]
        start = tuple(round(number * (1 << shift)) for number in exact)
        best = self._weights((start[0], start[1]), shift, low, high)
        # One factor by one, or both in about their ratio.
        ratio = ((1, round(exact[1] / exact[0])) if abs(exact[0]) < abs(exact[1]) else
                 (round(exact[0] / exact[1]), 1)) if all(signs) else (1, 0)
        sides = [(sign * step, sign * beside) for step, beside in ((1, 0), (0, 1), ratio) for sign in (1, -1)]
        for _ in range(_WALK):
            if best is None or best.least <= best.most:
                return best
            one, other = best.factors
            near = [(one + step, other + beside) for step, beside in sides]
            # The corners are those of factors with the signs of the exact ones.
            tried = [self._weights(pair, shift, low, high) for pair in near
                     if all(factor * sign >= 0 and (sign or not factor)
                            for factor, sign in zip(pair, signs, strict=True))]
            found = max((each for each in tried if each is not None), key=lambda each: each.most - each.least,
                        default=best)
            if found.most - found.least <= best.most - best.least:
                return None
            best = found
        return best if best is not None and best.least <= best.most else None

    def _weights(self, factors: Pair, shift: int, low: int, high: int) -> Weights | None:
        reach = sum(abs(factor) * max(abs(each.low), abs(each.high))
                    for factor, each in zip(factors, self.operands, strict=True))
        held = sum(abs(factor) * max(map(abs, ends)) for factor, ends in zip(factors, self.saturating, strict=True))
        if held >> MAX_WIDTH - 1 or 2 * (reach + (max(map(abs, (low, high))) + 1 << shift)) >> MAX_SUM_BITS:
            return None
        weights = np.array(factors)
        least = ((self.above[:, 2] << shift) - self.above[:, :2] @ weights).max(initial=-1 << 62)
        most = ((self.below[:, 2] << shift) - 1 - self.below[:, :2] @ weights).min(initial=1 << 62)
        # Where all is clipped to one side, one end is open, and any width will do.
        if not len(self.above):
            least = min(most if len(self.below) else 0, 0) - (1 << shift)
        if not len(self.below):
            most = max(least, 0) + (1 << shift)
        return Weights(factors, int(least), int(most))


@dataclass(frozen=True)
class Weights:
    """With these factors every B from ``least`` to ``most`` gives all levels; none where they cross."""

    factors: Pair
    least: int
    most: int


def fit_sums(channels: Sequence[Asked], which: Sequence[int], result_fraction: int
             ) -> tuple[Requantize, Requantize, Requantize] | None:
    """What weighs each operand, and what makes levels of the sums; None where no shift will do.

    Args:
        channels: those that differ.
        which: of them each channel of the layer is.
        result_fraction: bits behind the point of the levels.
    """
    low, high = min(channel.levels[0] for channel in channels), max(channel.levels[1] for channel in channels)
    channels = [channel.clipped(low, high) for channel in channels]
    for shift in range(_MAX_SHIFT + 1):
        fits = _all_fitted(channels, shift, low, high)
        if fits is not None:
            offsets = tuple(min(max(fits[index].least, 0), fits[index].most) for index in which)
            one, other = (weighing([channels[index] for index in which],
                                   [fits[index].factors[side] for index in which], side) for side in (0, 1))
            if not weighing_fits(channels, [fit.factors for fit in fits], one, other):
                return None
            return one, other, Requantize(covering(low, high, result_fraction), low, high, shift,
                                          ((1,) * len(which),), (offsets,))
    return None


def _all_fitted(channels: Sequence[Asked], shift: int, low: int, high: int) -> list[Weights] | None:
    found: list[Weights] = []
    for channel in channels:
        fit = channel.fitted(shift, low, high)
        if fit is None:
            return None
        found.append(fit)
    return found


def weighing_fits(channels: Sequence[Asked], factors: Sequence[Pair], one: Requantize, other: Requantize) -> bool:
    """Whether products and sums have few enough bits.

    Args:
        channels: those that differ.
        factors: of their operands.
        one: what weighs the first operands.
        other: what weighs the second ones.
    """
    held = sum(max(-stage.low, stage.high) for stage in (one, other))
    return not held >> MAX_WIDTH - 1 and all(_product_bits(channels, factors, side) <= MAX_SUM_BITS for side in (0, 1))


def _product_bits(channels: Sequence[Asked], factors: Sequence[Pair], side: int) -> int:
    """That any channel's factor takes with any integer of the type that holds all channels'."""
    operands = [channel.operands[side] for channel in channels]
    kind = covering(min(each.low for each in operands), max(each.high for each in operands), signed=True)
    return kind.width + max(abs(each[side]) for each in factors).bit_length()


def weighing(channels: Sequence[Asked], factors: Sequence[int], side: int) -> Requantize:
    """Integers times whole numbers, cut where all channels have the lowest or the highest level."""
    ends = [factor * end for factor, channel in zip(factors, channels, strict=True) for end in channel.saturating[side]]
    low, high = min(ends), max(ends)
    return Requantize(covering(low, high), low, high, 0, (tuple(factors),), ((0,) * len(factors),), (),
                      channels[0].operands[side].fraction)
