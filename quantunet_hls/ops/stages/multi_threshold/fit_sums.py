"""Sums of two integers of different scales in front of a quantizer, as thresholds of ``M1 * x + M2 * y``.

Levels ask less of M1 and M2 here than where a shift makes them (:mod:`..requantize.fit_sums`): of every two pairs
between which a level begins, the one whose exact sum is greater is to be weighed more. That is a matter of the ratio of
both weights alone, so it has to lie between two fractions, and the simplest fraction between these has the smallest
weights of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from quantunet_hls.ops.stages.multi_threshold.fit import thresholds_of_treads
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.ops.stages.requantize.fit_sums import Asked, Pairs, weighing, weighing_fits
from quantunet_hls.ops.stages.requantize.lattice import Pair
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.stages.requantize.steps import Tread
from quantunet_hls.types.fixed import Integers

__all__ = ["SumSteps", "fit_sum_thresholds", "simplest_between"]


@dataclass(frozen=True, eq=False)
class SumSteps:
    """The steps of the sums of one channel.

    Attributes:
        pairs: of its operands.
        treads: of all sums.
        asked: of these.
    """

    pairs: Pairs
    treads: tuple[Tread, ...]
    asked: Asked

    def weights(self) -> Pair:
        """The smallest with which no pair below a step is weighed as much as one beyond it."""
        signs = self.pairs.signs
        if not all(signs):
            return signs
        least, most = Fraction(0), None
        for below, beyond in self._sides:
            if not (len(below) and len(beyond)):
                continue
            apart = ((beyond[:, None] - below[None]) * np.array(signs)).reshape(-1, 2)
            # One weight may be so much smaller than the other, and not less.
            least = max([least, *_extreme(-apart[:, 1], apart[:, 0], most=True)])
            most = min([*([] if most is None else [most]), *_extreme(apart[:, 1], -apart[:, 0], most=False)],
                       default=None)
        ratio = simplest_between(least, most)
        return signs[0] * ratio.numerator, signs[1] * ratio.denominator

    def weighed(self, weights: Pair) -> list[Tread]:
        """The treads of sums that are weighed like this."""
        starts: list[tuple[int, int]] = [(self._least(weights), self.treads[0].level)]
        for (_, beyond), tread in zip(self._sides, self.treads[1:], strict=True):
            if not len(beyond):
                break
            first = int((beyond @ np.array(weights)).min())
            if starts[-1][0] == first:
                starts.pop()
            starts.append((first, tread.level))
        ends = [first - 1 for first, _ in starts[1:]] + [-self._least((-weights[0], -weights[1]))]
        return [Tread(first, last, level) for (first, level), last in zip(starts, ends, strict=True)]

    def _least(self, weights: Pair) -> int:
        return sum(min(weight * each.low, weight * each.high)
                   for weight, each in zip(weights, self.pairs.operands, strict=True))

    @cached_property
    def _sides(self) -> list[tuple[Integers, Integers]]:
        """At each step the corners of the pairs below it, and of those from it on: (corners, 2)."""
        return [(_array(self.pairs.most(tread.last)), _array(self.pairs.least(tread.last + 1)))
                for tread in self.treads[:-1]]


def _array(pairs: Sequence[Pair]) -> Integers:
    return np.array(pairs, np.int64).reshape(-1, 2)


def _extreme(numerators: Integers, denominators: Integers, *, most: bool) -> list[Fraction]:
    """The greatest or least quotient of numbers above 0; none where there are none."""
    held = (numerators > 0) & (denominators > 0)
    if not held.any():
        return []
    numerators, denominators = numerators[held], denominators[held]
    quotients = numerators / denominators
    # A division in doubles keeps the order of quotients, but makes some of them equal.
    near = np.flatnonzero(quotients == (quotients.max() if most else quotients.min()))
    exact = {Fraction(int(numerators[place]), int(denominators[place])) for place in near}
    return [max(exact) if most else min(exact)]


def simplest_between(low: Fraction, high: Fraction | None) -> Fraction:
    """The fraction with the smallest numerator and denominator that is greater than ``low`` and less than ``high``.

    That is the first one on the way down the Stern-Brocot tree, by continued fractions.

    Args:
        low: not below 0.
        high: greater; None for no limit.
    """
    whole = low.numerator // low.denominator
    if high is None or high > whole + 1:
        return Fraction(whole + 1)
    rest = low - whole
    # All that lies between begins with this whole number.
    return whole + 1 / simplest_between(1 / (high - whole), None if rest == 0 else 1 / rest)


def fit_sum_thresholds(channels: Sequence[SumSteps], which: Sequence[int], result_fraction: int, *,
                       probabilities: bool = False) -> tuple[Requantize, Requantize, MultiThreshold] | None:
    """What weighs each operand, and what makes levels of the sums; None where these or their levels have many bits.

    Args:
        channels: those that differ.
        which: of them each channel of the layer is.
        result_fraction: bits behind the point of the levels.
        probabilities: whether these are such.
    """
    weights = [channel.weights() for channel in channels]
    asked = [channels[index].asked for index in which]
    one, other = (weighing(asked, [weights[index][side] for index in which], side) for side in (0, 1))
    if not weighing_fits([channel.asked for channel in channels], weights, one, other):
        return None
    treads = [channel.weighed(each) for channel, each in zip(channels, weights, strict=True)]
    levels = thresholds_of_treads([treads[index] for index in which], 0, result_fraction, probabilities=probabilities)
    return None if levels is None else (one, other, levels)
