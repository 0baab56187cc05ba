"""The step function of one channel as ``clip((M * x + B) >> S, low, high)`` in integers, proven.

A tread of level k, from p to q, asks for ``k << S <= M * x + B < (k + 1) << S`` at
both of its ends; the lowest level asks for nothing below, the highest for nothing
above, since what lies beyond is clipped. Between the ends the line is monotone, so
it keeps to the tread there as well: two checks a tread prove every integer.

For given S and M the treads leave an interval of B. Its lower end is the maximum of
lines in M and its upper end the minimum of such, so its width is concave in M:
whoever walks uphill from the slope of the exact line finds the best M.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from quantunet_hls.ops.stages.requantize.steps import Tread

__all__ = ["MAX_SUM_BITS", "Demands", "Line", "Offsets", "Ties"]

#: Bits that ``M * x + B`` and ``level << S`` may take: they are counted with in 64-bit integers.
MAX_SUM_BITS = 61
#: Steps of M away from the exact line's slope that are tried.
_WALK = 12


#: Levels an integer, and the level of 0: exact.
Line = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Offsets:
    """With the factor M every B from ``least`` to ``most`` gives the step function; none where they cross."""

    factor: int
    least: int
    most: int

    @property
    def width(self) -> int:
        """How far apart they are; negative where no B will do."""
        return self.most - self.least

    def nearest(self, zeros: int) -> int | None:
        """The B nearest to 0 of those whose last ``zeros`` bits are 0; None where there is none."""
        least, most = -(-self.least >> zeros), self.most >> zeros
        return min(max(least, 0), most) << zeros if least <= most else None


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
        self._above = np.array([end for end in ends if end[1] > low], dtype=np.int64).reshape(-1, 2)
        self._below = np.array([end for end in ends if end[1] < high], dtype=np.int64).reshape(-1, 2)

    def fitted(self, shift: int) -> Offsets | None:
        """A factor and its offsets with this shift; None where none was found, or they take too many bits."""
        start = round(self._slope * (1 << shift))
        best = self._offsets(start, shift)
        for direction in (1, -1):
            factor = start
            while best is not None and best.width < 0 and abs(factor - start) < _WALK:
                factor += direction
                tried = self._offsets(factor, shift)
                if tried is None or tried.width < best.width:
                    break
                best = tried
        return best if best is not None and best.width >= 0 else None

    def _offsets(self, factor: int, shift: int) -> Offsets | None:
        if 2 * (abs(factor) * self._reach + (self._highest << shift)) >> MAX_SUM_BITS:
            return None
        least = ((self._above[:, 1] << shift) - factor * self._above[:, 0]).max(initial=-1 << 62)
        most = (((self._below[:, 1] + 1) << shift) - 1 - factor * self._below[:, 0]).min(initial=1 << 62)
        # Where all is clipped to one side, one end is open, and any width will do.
        if not len(self._above):
            least = min(most, 0) - (1 << shift)
        if not len(self._below):
            most = max(least, 0) + (1 << shift)
        return Offsets(factor, int(least), int(most))


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
        return Offsets(int(factor), int(offset), int(offset))
