"""Treads as thresholds: one is where a tread begins."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold, meaning_of
from quantunet_hls.ops.stages.requantize.steps import Tread
from quantunet_hls.types.fixed import covering

__all__ = ["MOST_BITS", "thresholds_of_treads"]

#: Bits of levels beyond which there are no thresholds: each bit doubles their memory.
MOST_BITS = 8


def thresholds_of_treads(channels: Sequence[Sequence[Tread]], fraction: int = 0, result_fraction: int = 0,
                         *, probabilities: bool = False) -> MultiThreshold | None:
    """The stage that has them; None where levels both rise and fall, or take more than :data:`MOST_BITS` bits.

    Args:
        channels: all treads of each, in order.
        fraction: bits behind the point of the integers.
        result_fraction: bits behind the point of the levels.
        probabilities: whether these are such.
    """
    ends = [tread.level for treads in channels for tread in treads]
    low, high = min(ends), max(ends)
    bits = max((high - low).bit_length(), 1)
    if bits > MOST_BITS:
        return None
    rows: list[tuple[int, ...]] = []
    falls: list[bool] = []
    for treads in channels:
        levels = [tread.level for tread in treads]
        down = levels[-1] < levels[0]
        if levels != sorted(levels, reverse=down):
            return None
        top = low + (1 << bits) - 1
        rows.append(_row([(tread.first, top - tread.level if down else tread.level - low) for tread in treads],
                         treads[-1].last + 1, (1 << bits) - 1))
        falls.append(down)
    if len(set(zip(rows, falls, strict=True))) == 1:
        rows, falls = rows[:1], falls[:1]
    return MultiThreshold(covering(low, high, result_fraction), low, tuple(rows), tuple(falls), fraction,
                          meaning_of(probabilities))


def _row(starts: Sequence[tuple[int, int]], beyond: int, count: int) -> tuple[int, ...]:
    """Where so many thresholds are reached.

    Args:
        starts: the first integer of each tread, and how many it reaches.
        beyond: an integer that no integer reaches, for those that are never reached.
        count: thresholds.
    """
    found: list[int] = []
    for first, reached in starts:
        found += [first] * (reached - len(found))
    return tuple(found + [beyond] * (count - len(found)))
