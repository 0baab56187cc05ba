"""What a binary search in hardware compares: values of so many bits with tables, one a comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.types.fixed import FixedType, Integers, bits_for

__all__ = ["Search", "search_of"]

#: Words of which one LUT holds a bit.
_WORDS = 64


@dataclass(frozen=True)
class Search:
    """A stage's thresholds for values that have been brought into a type.

    Attributes:
        stage: of these values.
        kind: that they have been brought into.
        clipped: whether that is another one than they came in.
    """

    stage: MultiThreshold
    kind: FixedType
    clipped: bool

    def table(self, depth: int) -> Integers:
        """What is compared behind so many comparisons: (channels or 1, ``2**depth`` results of these)."""
        bits = self.stage.bits
        places = ((2 * np.arange(1 << depth) + 1) << (bits - 1 - depth)) - 1
        return np.array(self.stage.thresholds, np.int64)[:, places]


def search_of(stage: MultiThreshold, source: FixedType) -> Search:
    """With values brought into fewer bits where the comparisons and tables become so much narrower that it pays.

    Beyond the first and the last threshold that some value reaches and some does not, all values are alike.
    """
    stage = stage.reading(source.fraction)
    whole = Search(stage, source, clipped=False)
    apart = [number for row in stage.thresholds for number in row if source.low < number <= source.high]
    if not apart:
        return whole
    width = bits_for(min(apart) - 1, max(apart)) if source.signed else max(apart).bit_length()
    kind = FixedType(width, source.fraction, source.signed, saturation="SAT")
    each = stage.bits + sum(table_luts(stage.channels << depth, 1) for depth in range(stage.bits))
    if (source.width - width) * each <= width + 2:
        return whole
    beyond = (kind.low, kind.high + 1)
    clipped = tuple(tuple(min(max(number, beyond[0]), beyond[1]) for number in row) for row in stage.thresholds)
    return Search(replace(stage, thresholds=clipped), kind, clipped=True)


def table_luts(words: int, width: int) -> int:
    """LUTs of a table in logic."""
    return 0 if words == 1 else width * -(-words // _WORDS)

