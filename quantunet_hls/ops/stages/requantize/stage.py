"""An accumulator's integer into the next quantizer's levels: ``clip((M * x + B) >> S)``, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.ops.loaded import LoadedTable, NumberWidths
from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.stages.base import MULTIPLICATION, THRESHOLDS, Stage
from quantunet_hls.types.fixed import FixedType, Integers, bits_for, shifted_right

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
        loaded: of numbers that are loaded at start-up the widths; None where they are part of the netlist.
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
    loaded: NumberWidths | None = None

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
        if self.half_even or self.loaded:
            # Every bit that is dropped has a say in what is a tie; and nothing is known of what is loaded.
            return 0
        every = 1 << self.shift
        for offset in (offset for line in self.offsets for offset in line):
            every |= offset
        return (every & -every).bit_length() - 1

    def sums(self, low: int, high: int) -> tuple[int, int]:
        """The least and the greatest ``factor * x + offset`` of integers from ``low`` to ``high``."""
        if self.loaded:
            reach = (max(-low, high) << (self.loaded.factors - 1)) + (1 << (self.loaded.offsets - 1))
            return -reach, reach
        ends = [factor * x + offset for factors, offsets in zip(self.factors, self.offsets, strict=True)
                for factor, offset in zip(factors, offsets, strict=True) for x in (low, high)]
        return min(ends), max(ends)

    @property
    def factor_bits(self) -> int:
        """Of any factor in two's complement."""
        return self.loaded.factors if self.loaded else _bits(self.factors)

    def widths(self, source: FixedType) -> NumberWidths:
        """Those of what is loaded, or of its own numbers for values of a type."""
        stage = self.reading(source.fraction)
        return self.loaded or NumberWidths(stage.shift, _bits(stage.factors), _bits(stage.offsets),
                                           _bits((stage.splits,)) if stage.splits else 0)

    def loaded_as(self, widths: NumberWidths, source: FixedType, channels: int) -> Requantize:
        """The stage with numbers that are loaded, one of each for every channel.

        Raises:
            ConfigurationError: it drops more bits than what is loaded.
        """
        stage = self.reading(source.fraction)
        places = widths.shift - stage.shift
        if places < 0 or bool(widths.splits) != bool(stage.splits):
            raise ConfigurationError(f"its requantizer drops {stage.shift} bits, and its design takes {widths.shift}"
                                     if places < 0 else "its requantizer has another number of lines than its design's")
        factors, offsets = (tuple(_spread(line, channels) for line in _shifted(lines, places))
                            for lines in (stage.factors, stage.offsets))
        return replace(stage, shift=widths.shift, factors=factors, offsets=offsets, loaded=widths,
                       splits=_spread(stage.splits, channels) if stage.splits else ())

    def tables(self, lanes: int) -> tuple[LoadedTable, ...]:
        """Splits, offsets and factors: a word for each beat of a pixel, in it for each line the lanes' numbers."""
        if self.loaded is None:
            return ()
        roles = (("split", (self.splits,) if self.splits else (), self.loaded.splits),
                 ("offset", self.offsets, self.loaded.offsets), ("factor", self.factors, self.loaded.factors))
        return tuple(LoadedTable(role, np.array(lines).reshape(len(lines), -1, lanes).swapaxes(0, 1).reshape(
            -1, len(lines) * lanes), bits) for role, lines, bits in roles if lines)

    @property
    def hardware(self) -> Requantize:
        """The stage without what is loaded."""
        if self.loaded is None:
            return self
        nothing = tuple((0,) * len(line) for line in self.factors)
        return replace(self, factors=nothing, offsets=nothing, splits=(0,) * len(self.splits))

    @property
    def form(self) -> str | None:
        """A multiplication, where it multiplies by what is no shift."""
        return None if self._shifts else MULTIPLICATION

    @property
    def _shifts(self) -> bool:
        """Whether all values of a line are multiplied by one power of two."""
        return not self.loaded and all(
            len(set(line)) == 1 and not abs(line[0]) & (abs(line[0]) - 1) for line in self.factors)

    def in_form(self, form: str, source: FixedType) -> Stage | None:
        """As thresholds, too, where levels rise or fall and nothing is loaded."""
        if form != THRESHOLDS or self.form is None or self.loaded:
            return super().in_form(form, source)
        from quantunet_hls.ops.stages.requantize.search import thresholds_of_requantizer

        return thresholds_of_requantizer(self, source)

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` (..., channels) as codes of ``type``."""
        stage = self.reading(source.fraction)
        rounding = "RND_CONV" if stage.half_even else "TRN"
        lines = [shifted_right(np.array(factors) * codes + np.array(offsets), stage.shift, rounding)
                 for factors, offsets in zip(stage.factors, stage.offsets, strict=True)]
        levels = lines[0] if len(lines) == 1 else np.where(codes < np.array(stage.splits), *lines)
        return np.clip(levels, stage.low, stage.high)


def _bits(lines: tuple[tuple[int, ...], ...]) -> int:
    numbers = [number for line in lines for number in line]
    return bits_for(min(numbers), max(numbers))


def _spread(numbers: tuple[int, ...], channels: int) -> tuple[int, ...]:
    """One for every channel."""
    return numbers * channels if len(numbers) == 1 else numbers


def _shifted(numbers: tuple[tuple[int, ...], ...], places: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(number << places for number in line) for line in numbers)
