"""Which pairs of integers decide what a weighed sum of all of them can be.

Of the pairs in a rectangle whose sum ``f * a + g * b`` reaches some number, the least of any other sum
``m * a + n * b`` with weights of the same signs is at a corner of their convex hull. A hull of lattice points
below a line has few corners, about as many as the numbers have digits, and Euclid's algorithm walks from one to the
next: however many pairs there are, none but corners is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Box", "Pair", "corners"]

#: Two integers.
Pair = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """Pairs from ``low`` to ``high``, both included, in each of the two integers."""

    low: Pair
    high: Pair

    @property
    def mirrored(self) -> Box:
        """Both integers with the other sign."""
        return Box((-self.high[0], -self.high[1]), (-self.low[0], -self.low[1]))

    @property
    def swapped(self) -> Box:
        """The second integer first."""
        return Box(self.low[::-1], self.high[::-1])


def corners(factors: Pair, bound: int, box: Box) -> list[Pair]:
    """Pairs among which those are that make ``m * a + n * b`` least where ``factors . pair >= bound``.

    Args:
        factors: of the pair in the exact sum. m and n have their signs or are 0; where a factor is 0, so is the weight.
        bound: what the exact sum reaches.
        box: all pairs.

    Returns:
        pairs of the box that reach the bound; none where none does.
    """
    f, g = factors
    if f < 0:
        flipped = Box((-box.high[0], box.low[1]), (-box.low[0], box.high[1]))
        return [(-a, b) for a, b in corners((-f, g), bound, flipped)]
    if g < 0 or (g == 0 and f > 0):
        return [(a, b) for b, a in corners((g, f), bound, box.swapped)]
    if g == 0:
        return [box.low] if bound <= 0 else []
    return _rising(f, g, bound, box)


def _rising(f: int, g: int, bound: int, box: Box) -> list[Pair]:
    """Of factors f >= 0 and g > 0: for every b the least a that reaches the bound, and of these the hull's corners."""
    (least, start), (most, end) = box.low, box.high
    # From `alone` on, the least a of all will do.
    alone = max(-((f * least - bound) // g), start)
    start = max(-((f * most - bound) // g), start)
    found = [(least, alone)] if alone <= end else []
    length = min(end, alone - 1) - start
    if length < 0:
        return found
    # There a = ceil((bound - g * b) / f) = -floor((g * b - bound) / f), below which line the hull is an upper one.
    shift = g * start - bound
    left = _climb(g, shift, f, length)
    right = _climb(-g, shift + g * length, f, length)
    return found + [(-y, start + x) for x, y in left] + [(-y, start + length - x) for x, y in right]


def _climb(slope: int, shift: int, unit: int, length: int) -> list[Pair]:
    """Corners (x, floor((slope * x + shift) / unit)) of the upper hull, from x = 0 to where it is nearest to the line.

    Two steps span the lattice: ``near`` leads nearer to the line, ``far`` away from it or along it. The steepest edge
    is the first ``near + k * far`` that does not cross the line.
    """
    x, (y, gap) = 0, divmod(shift, unit)
    found = [(x, y)]
    rise, far_gap = divmod(slope, unit)
    near, near_gap, far = (0, 1), unit, (1, rise)
    while far_gap:
        steps = -((gap - near_gap) // far_gap)
        crosses = near_gap - steps * far_gap <= 0
        if crosses:
            steps = (near_gap - 1) // far_gap
        near = (near[0] + steps * far[0], near[1] + steps * far[1])
        near_gap -= steps * far_gap
        if near[0] > length - x:
            break
        if not crosses:
            times = min(gap // near_gap, (length - x) // near[0])
            x, y, gap = x + times * near[0], y + times * near[1], gap - times * near_gap
            found.append((x, y))
            if near[0] > length - x:
                break
        steps = far_gap // near_gap
        far, far_gap = (far[0] + steps * near[0], far[1] + steps * near[1]), far_gap - steps * near_gap
    return found
