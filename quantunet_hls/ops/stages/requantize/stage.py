"""An accumulator's integer into the next quantizer's levels: ``clip((M * x + B) >> S)``, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType, Integers, shifted_right

__all__ = ["Requantize"]


@dataclass(frozen=True)
class Requantize(Stage):
    """``clip((factor * x + offset) >> shift, low, high)`` with the factor and the offset of the value's channel.

    Where the slope changes, as behind a PReLU, there are two lines: the second one from the channel's ``split`` on.

    Attributes:
        type: of the result; its codes are the levels.
        low: lowest level.
        high: highest level.
        shift: bits that are dropped, the same in all channels.
        factors: of one line or two, each a number for every channel, or one for all.
        offsets: likewise.
        splits: the first integer of the second line in every channel, or one for all; empty with one line.
        fraction: bits behind the point of the integers that come in.
        half_even: whether what is dropped rounds to the nearest, ties to even, instead of down.
    """

    kind: ClassVar[str] = "requantize"
    meaning: ClassVar[Meaning | None] = None

    type: FixedType
    low: int
    high: int
    shift: int
    factors: tuple[tuple[int, ...], ...]
    offsets: tuple[tuple[int, ...], ...]
    splits: tuple[int, ...] = ()
    fraction: int = 0
    half_even: bool = False

    @property
    def channels(self) -> int:
        """For how many channels there are numbers; 1 where they hold for all."""
        return len(self.factors[0])

    def reading(self, fraction: int) -> Requantize:
        """The same of integers with so many bits behind the point."""
        finer = fraction - self.fraction
        if finer <= 0:
            # A coarser integer stands for itself times a power of two; a split rounds up to the next that there is.
            return replace(self, fraction=fraction, factors=_shifted(self.factors, -finer),
                           splits=tuple(-(-split >> -finer) for split in self.splits))
        return replace(self, fraction=fraction, shift=self.shift + finer, offsets=_shifted(self.offsets, finer),
                       splits=tuple(split << finer for split in self.splits))

    @property
    def offset_zeros(self) -> int:
        """Bits at the end of every offset that are 0, and that are dropped without being looked at."""
        if self.half_even:
            # Every bit that is dropped has a say in what is a tie.
            return 0
        every = 1 << self.shift
        for offset in (offset for line in self.offsets for offset in line):
            every |= offset
        return (every & -every).bit_length() - 1

    def sums(self, low: int, high: int) -> tuple[int, int]:
        """The least and the greatest ``factor * x + offset`` of integers from ``low`` to ``high``."""
        ends = [factor * x + offset for factors, offsets in zip(self.factors, self.offsets, strict=True)
                for factor, offset in zip(factors, offsets, strict=True) for x in (low, high)]
        return min(ends), max(ends)

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` (..., channels) as codes of ``type``."""
        stage = self.reading(source.fraction)
        rounding = "RND_CONV" if stage.half_even else "TRN"
        lines = [shifted_right(np.array(factors) * codes + np.array(offsets), stage.shift, rounding)
                 for factors, offsets in zip(stage.factors, stage.offsets, strict=True)]
        levels = lines[0] if len(lines) == 1 else np.where(codes < np.array(stage.splits), *lines)
        return np.clip(levels, stage.low, stage.high)


def _shifted(numbers: tuple[tuple[int, ...], ...], places: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(number << places for number in line) for line in numbers)
