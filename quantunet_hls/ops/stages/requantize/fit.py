"""The step function of one channel as ``clip((M * x + B) >> S, low, high)`` in integers, proven.

A tread of level k, from p to q, asks for ``k << S <= M * x + B < (k + 1) << S`` at
both of its ends; the lowest level asks for nothing below, the highest for nothing
above, since what lies beyond is clipped. Between the ends the line is monotone, so
it keeps to the tread there as well: two checks a tread prove every integer.

For given S and M the treads leave an interval of B. Its lower end is the maximum of
lines in M and its upper end the minimum of such, so its width is concave in M: those M
that have one follow each other, and whoever walks uphill from the slope of the exact
line finds them. Of the lines, one a tread's end, only those of a convex hull's corners
are ever the first; they are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantunet_hls.ops.stages.requantize.steps import Line, Tread
from quantunet_hls.types.fixed import Integers

__all__ = ["MAX_SUM_BITS", "Demands", "Offsets", "Ties"]

#: Bits that ``M * x + B`` and ``level << S`` may take: they are counted with in 64-bit integers.
MAX_SUM_BITS = 61
#: Steps of M away from the exact line's slope that are tried.
_WALK = 12
#: And from the best one, to have more to choose from.
_BESIDE = 32


@dataclass(frozen=True, eq=False)
class Offsets:
    """With one of the factors M every B from its ``least`` to its ``most`` gives the step function.

    Attributes:
        factors: one or more.
        least: for each.
        most: for each; not below ``least``.
    """

    factors: Integers
    least: Integers
    most: Integers

    def nearest(self, zeros: int) -> tuple[int, int] | None:
        """M, and the B nearest to 0 of those whose last ``zeros`` bits are 0; None where there is none."""
        least, most = -(-self.least >> zeros), self.most >> zeros
        held = np.flatnonzero(least <= most)
        if not len(held):
            return None
        near = np.minimum(np.maximum(least, 0), most)[held]
        best = int(np.lexsort((np.abs(self.factors[held]), np.abs(near)))[0])
        return int(self.factors[held[best]]), int(near[best]) << zeros


class Demands:
    """What treads ask of a line.

    Args:
        treads: of the integers that come through it, in order.
        line: near which it is to be.
        low: lowest level, which is left to clipping.
        high: highest level, which is.
    """

    def __init__(self, treads: Sequence[Tread], line: Line, low: int, high: int):
        self._slope = line[0]
        ends = [(x, tread.level) for tread in treads for x in (tread.first, tread.last)]
        self._reach = max(abs(x) for x, _ in ends)
        self._highest = max(abs(level) for _, level in ends) + 1
        self._above = _points(_hull([end for end in ends if end[1] > low], 1))
        self._below = _points(_hull([end for end in ends if end[1] < high], -1))

    def fitted(self, shift: int) -> Offsets | None:
        """Factors and their offsets with this shift; None where none were found, or they take too many bits."""
        start = round(self._slope * (1 << shift))
        best, width = start, self._width(start, shift)
        for direction in (1, -1):
            factor = start
            while width is not None and width < 0 and abs(factor - start) < _WALK:
                factor += direction
                tried = self._width(factor, shift)
                if tried is None or tried < width:
                    break
                best, width = factor, tried
        if width is None or width < 0:
            return None
        factors = np.arange(best - _BESIDE, best + _BESIDE + 1)
        factors = factors[np.abs(factors) <= self._largest(shift)]
        least, most = self._ends(factors, shift)
        held = least <= most
        return Offsets(factors[held], least[held], most[held])

    def _largest(self, shift: int) -> int:
        """The largest factor with which all can be counted; -1 where there is none."""
        room = (1 << MAX_SUM_BITS - 1) - 1 - (self._highest << shift)
        return room // max(self._reach, 1) if room >= 0 else -1

    def _width(self, factor: int, shift: int) -> int | None:
        """How far apart both ends of its offsets are, negative where no B will do; None if it takes too many bits."""
        if abs(factor) > self._largest(shift):
            return None
        least, most = self._ends(np.array([factor]), shift)
        return int(most[0] - least[0])

    def _ends(self, factors: Integers, shift: int) -> tuple[Integers, Integers]:
        least = ((self._above[:, 1] << shift) - factors[:, None] * self._above[:, 0]).max(1, initial=-1 << 62)
        most = (((self._below[:, 1] + 1) << shift) - 1 - factors[:, None] * self._below[:, 0]).min(1, initial=1 << 62)
        # Where all is clipped to one side, one end is open, and any width will do.
        if not len(self._above):
            least = np.minimum(most, 0) - (1 << shift)
        if not len(self._below):
            most = np.maximum(least, 0) + (1 << shift)
        return least, most


def _hull(points: Sequence[tuple[int, int]], side: int) -> list[tuple[int, int]]:
    """The corners of the convex hull of points from left to right: the upper ones for 1, the lower ones for -1.

    That is Andrew's monotone chain ("Another efficient algorithm for convex hulls in two dimensions", 1979).
    """
    found: list[tuple[int, int]] = []
    for x, y in points:
        while found and found[-1][0] == x and side * (y - found[-1][1]) >= 0:
            found.pop()
        if found and found[-1][0] == x:
            continue
        while len(found) > 1:
            (a, b), (c, d) = found[-2:]
            if side * ((c - a) * (y - b) - (d - b) * (x - a)) < 0:
                break
            found.pop()
        found.append((x, y))
    return found


def _points(ends: Sequence[tuple[int, int]]) -> Integers:
    return np.array(ends, dtype=np.int64).reshape(-1, 2)


class Ties:
    """What treads ask of a line that is itself held exactly, so that its ties are rounded as the quantizer rounds them.

    The arguments are those of :class:`Demands`.
    """

    def __init__(self, treads: Sequence[Tread], line: Line, low: int, high: int):
        ends = [(x, tread.level) for tread in treads for x in (tread.first, tread.last)]
        self._line = line
        self._held = all(min(max(round(line[0] * x + line[1]), low), high) == level for x, level in ends)
        self._reach = max(abs(x) for x, _ in ends)

    def fitted(self, shift: int) -> Offsets | None:
        """The line itself with this shift; None where it takes another, or its treads are others."""
        factor, offset = (number * (1 << shift) for number in self._line)
        if not self._held or factor.denominator > 1 or offset.denominator > 1:
            return None
        if (abs(factor) * self._reach + abs(offset)).__ceil__() >> (MAX_SUM_BITS - 1):
            return None
        return Offsets(*(np.array([int(number)]) for number in (factor, offset, offset)))
