"""Which numbers of channels a lane needs, beat by beat of a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantunet_hls.types.fixed import Integers

__all__ = ["by_lane"]


def by_lane(lines: Sequence[Sequence[int]], lanes: int) -> list[Integers]:
    """For every lane the numbers (lines, beats of a pixel) that it needs of those of lines (lines, channels or 1)."""
    numbers = np.array(lines)
    if numbers.shape[1] == 1:
        return [numbers] * lanes
    return list(np.moveaxis(numbers.reshape(len(lines), -1, lanes), 2, 0))
