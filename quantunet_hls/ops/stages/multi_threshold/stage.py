"""A step function by its thresholds: how many of them an integer reaches is its level."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.stages.base import THRESHOLDS, Stage
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["MultiThreshold", "meaning_of"]


def meaning_of(probabilities: int) -> Meaning | None:
    """Of levels that are probabilities, or of others, as nodes put it."""
    return Meaning.PROBABILITIES if probabilities else None


@dataclass(frozen=True)
class MultiThreshold(Stage):
    """``low`` plus how many thresholds of its channel the value reaches; where levels fall, plus how many it does not.

    Attributes:
        type: of the result; its codes are the levels.
        low: lowest level.
        thresholds: ``2**bits - 1`` for every channel, or for all; none is smaller than the one before.
        falls: for every channel, or for all, whether levels fall as values rise.
        fraction: bits behind the point of the thresholds.
        meaning: of its levels; None where they say what those do that it gets.
    """

    kind: ClassVar[str] = "multi_threshold"

    type: FixedType
    low: int
    thresholds: tuple[tuple[int, ...], ...]
    falls: tuple[bool, ...]
    fraction: int = 0
    meaning: Meaning | None = field(default=None)  # type: ignore[misc]

    @property
    def channels(self) -> int:
        """For how many channels there are thresholds; 1 where they hold for all."""
        return len(self.thresholds)

    @property
    def bits(self) -> int:
        """Comparisons of a binary search."""
        return len(self.thresholds[0]).bit_length()

    @property
    def form(self) -> str | None:
        """Thresholds."""
        return THRESHOLDS

    def reading(self, fraction: int) -> MultiThreshold:
        """The same of integers with so many bits behind the point."""
        finer = fraction - self.fraction
        # A coarser integer stands for itself times a power of two; it reaches a threshold from the next such one on.
        return replace(self, fraction=fraction, thresholds=tuple(
            tuple(number << finer if finer >= 0 else -(-number >> -finer) for number in row)
            for row in self.thresholds))

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` (..., channels) as codes of ``type``."""
        stage = self.reading(source.fraction)
        if stage.channels == 1:
            return stage._levels(0, codes)
        return np.stack([stage._levels(channel, codes[..., channel]) for channel in range(stage.channels)], -1)

    def _levels(self, channel: int, codes: Integers) -> Integers:
        reached = np.searchsorted(np.array(self.thresholds[channel], np.int64), codes, side="right")
        return self.low + (len(self.thresholds[channel]) - reached if self.falls[channel] else reached)
