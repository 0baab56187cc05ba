"""The same levels without a multiplication: thresholds, found by binary search.

A search among few thresholds takes LUTs where a multiplication takes multiplier blocks, or some hundreds of LUTs where
a layer has none (``benchmarks/requantizers.py``).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from quantunet_hls.ops.stages.multi_threshold.fit import MOST_BITS
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["thresholds_of_requantizer"]


@lru_cache(maxsize=64)
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
