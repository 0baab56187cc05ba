"""Treads as thresholds, and a multiplication with a shift: a threshold is where a tread begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.stages.requantize.steps import Tread
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = ["MOST_BITS", "thresholds_of_requantizer", "thresholds_of_treads"]

#: Bits of levels beyond which there are no thresholds: each bit doubles their memory.
MOST_BITS = 8


def thresholds_of_treads(channels: Sequence[Sequence[Tread]], fraction: int = 0, result_fraction: int = 0
                         ) -> MultiThreshold | None:
    """The stage that has them; None where levels both rise and fall, or take more than :data:`MOST_BITS` bits.

    Args:
        channels: all treads of each, in order.
        fraction: bits behind the point of the integers.
        result_fraction: bits behind the point of the levels.
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
    return MultiThreshold(covering(low, high, result_fraction), low, tuple(rows), tuple(falls), fraction)


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


def thresholds_of_requantizer(stage: Requantize, source: FixedType) -> MultiThreshold | None:
    """The stage that has the same level for each integer of a type; None where levels both rise and fall, or are many.

    A line is monotone, so a bisection finds the first integer of each level.
    """
    stage = stage.reading(source.fraction)
    low, high = source.low, source.high
    edges = [np.full((1, stage.channels), low), np.full((1, stage.channels), high)]
    if stage.splits:
        splits = np.clip(np.array(stage.splits)[None], low, high)
        edges[1:1] = [np.maximum(splits - 1, low), splits]
    levels = np.array([stage.apply(edge, source)[0] for edge in edges])
    falls = levels[-1] < levels[0]
    steps = np.diff(levels, axis=0)
    least, most = int(levels.min()), int(levels.max())
    bits = max((most - least).bit_length(), 1)
    if np.any(np.where(falls, steps > 0, steps < 0)) or bits > MOST_BITS:
        return None
    reached = _bisected(stage, source, falls, np.arange(1, 1 << bits), least + (1 << bits) - 1, least)
    rows = tuple(tuple(int(number) for number in row) for row in reached.T)
    return MultiThreshold(stage.type, least, rows, tuple(map(bool, falls)), source.fraction)


def _bisected(stage: Requantize, source: FixedType, falls: Integers, counts: Integers, top: int, low: int) -> Integers:
    """The first integer that reaches each number of thresholds (numbers, channels); beyond the last where none does."""
    shape = (len(counts), stage.channels)
    least, beyond = np.full(shape, source.low), np.full(shape, source.high + 1)
    while np.any(least < beyond):
        middle = (least + beyond) >> 1
        levels = stage.apply(np.minimum(middle, source.high), source)
        holds = np.where(falls, top - levels, levels - low) >= counts[:, None]
        beyond = np.where(holds, middle, beyond)
        least = np.where(holds, least, np.minimum(middle + 1, beyond))
    return beyond
