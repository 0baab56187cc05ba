"""All channels of a layer as one :class:`Requantize`: one shift, a factor and an offset a channel, one line or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from quantunet_hls.ops.stages.requantize.fit import Demands, Offsets, Ties
from quantunet_hls.ops.stages.requantize.product import product_of
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.stages.requantize.steps import Line, Piece, Rounding, Tread, treads
from quantunet_hls.types.fixed import covering

__all__ = ["MAX_SHIFT", "ChannelSteps", "fit_layer", "steps_of"]

#: Largest S that is tried.
MAX_SHIFT = 56
#: More bits of S than the least that are tried.
_MORE = 2
#: So many bits of S are cheaper than a second line.
_LINE = 3
#: Zeros at the end of an offset beyond which none are looked for.
_MOST_ZEROS = 64


@dataclass(frozen=True)
class ChannelSteps:
    """What becomes of the integers of one channel.

    Attributes:
        treads: all of them.
        lines: those behind them, in levels from that of 0; one that is level comes last.
        bends: the integers where a line ends and the next begins.
        evens: whether ties go to even levels, counted from that of 0.
    """

    treads: tuple[Tread, ...]
    lines: tuple[Line, ...]
    bends: tuple[int, ...]
    evens: bool


def steps_of(pieces: Sequence[Piece], last: int, quantizer: Rounding) -> ChannelSteps:
    """The steps of a channel whose values are these pieces up to ``last``."""
    found = treads(pieces, last, quantizer)
    return ChannelSteps(found, tuple(quantizer.lines(pieces, found)), tuple(piece.first for piece in pieces[1:]),
                        quantizer.evens)


class AnyDemands(Protocol):
    """What treads ask of a line: :class:`.fit.Demands` where what is dropped rounds down, or :class:`.fit.Ties`."""

    def __call__(self, treads: Sequence[Tread], line: Line, low: int, high: int) -> Demands | Ties:
        """Of these treads, near or on this line, where levels beyond both ends are clipped."""


def fit_layer(channels: Sequence[ChannelSteps], fraction: int = 0, result_fraction: int = 0) -> Requantize | None:
    """The least shift with which every channel has its factors and offsets, or little more; None where there is none.

    A bit or two more may leave offsets with more zeros behind, which take fewer bits of tables and adders in all.

    Args:
        channels: their steps.
        fraction: bits behind the point of the integers.
        result_fraction: bits behind the point of the levels.
    """
    levels = [tread.level for channel in channels for tread in channel.treads]
    low, high = min(levels), max(levels)
    result = partial(_stage, low=low, high=high, fractions=(fraction, result_fraction))
    found = _least_shift(channels, low, high, Demands)
    if found is not None:
        lines, least = found
        fits = [(fit, shift) for shift in range(least, least + _MORE + 1) if (fit := _all(lines, shift)) is not None]
        ends = [end for channel in channels for end in (channel.treads[0].first, channel.treads[-1].last)]
        stages = [result(*fit, half_even=False) for fit in fits]
        source = covering(min(ends), max(ends), fraction, signed=True)
        return min(stages, key=lambda stage: (product_of(stage, source).blocks(), _bits(stage, min(ends), max(ends))))
    found = _least_shift(channels, low, high, Ties) if all(channel.evens for channel in channels) else None
    if found is None:
        return None
    exact = _all(*found)
    assert exact is not None, "it was found with this shift"
    return result(exact, found[1], half_even=True)


def _bits(stage: Requantize, low: int, high: int) -> int:
    """Of numbers in tables, and of the adder, for integers between two."""
    zeros = stage.offset_zeros
    offsets = [offset >> zeros for line in stage.offsets for offset in line]
    return sum(covering(min(numbers), max(numbers), signed=True).width for numbers in (
        offsets, [factor for line in stage.factors for factor in line], stage.sums(low, high))) - zeros


def _least_shift(channels: Sequence[ChannelSteps], low: int, high: int, demands: AnyDemands
                 ) -> tuple[list[_One] | list[_Two], int] | None:
    """The lines of all channels and their shift: one line, where two don't do with much less."""
    one = [_One(channel, low, high, demands) for channel in channels]
    two = [_Two(channel, low, high, demands) for channel in channels]
    bent: int | None = None
    for shift in range(MAX_SHIFT + 1):
        if _all(one, shift) is not None:
            return one, shift
        if bent is None:
            bent = None if _all(two, shift) is None else shift
        elif shift >= bent + _LINE:
            break
    return None if bent is None else (two, bent)


@dataclass(frozen=True)
class _Fit:
    """A channel's lines, and where the second begins; both the same where one will do."""

    lines: tuple[Offsets, ...]
    split: int = 0


class _One:
    """A channel on one line."""

    def __init__(self, channel: ChannelSteps, low: int, high: int, demands: AnyDemands):
        self._demands = [demands(channel.treads, line, low, high) for line in channel.lines]

    def fitted(self, shift: int) -> _Fit | None:
        """The line with this shift."""
        for demands in self._demands:
            found = demands.fitted(shift)
            if found is not None:
                return _Fit((found,))
        return None


class _Two:
    """A channel on two lines that meet at one of its bends, or on one."""

    def __init__(self, channel: ChannelSteps, low: int, high: int, demands: AnyDemands):
        self._whole = _One(channel, low, high, demands)
        self._parts = [(bend, [[demands(part, line, low, high) for line in channel.lines]
                               for part in _cut(channel.treads, bend)]) for bend in channel.bends]

    def fitted(self, shift: int) -> _Fit | None:
        """Both lines with this shift."""
        whole = self._whole.fitted(shift)
        if whole is not None:
            return _Fit(whole.lines * 2)
        for bend, parts in self._parts:
            lines = [next((found for demands in part if (found := demands.fitted(shift)) is not None), None)
                     for part in parts]
            below, above = lines
            if below is not None and above is not None:
                return _Fit((below, above), bend)
        return None


def _cut(whole: Sequence[Tread], bend: int) -> tuple[list[Tread], list[Tread]]:
    """The treads before an integer, and those from it on."""
    return ([Tread(tread.first, min(tread.last, bend - 1), tread.level) for tread in whole if tread.first < bend],
            [Tread(max(tread.first, bend), tread.last, tread.level) for tread in whole if tread.last >= bend])


def _all(channels: list[_One] | list[_Two], shift: int) -> list[_Fit] | None:
    """Every channel's fit, None where one has none."""
    fits: list[_Fit] = []
    for channel in channels:
        fit = channel.fitted(shift)
        if fit is None:
            return None
        fits.append(fit)
    return fits


def _stage(fits: Sequence[_Fit], shift: int, *, low: int, high: int, fractions: tuple[int, int], half_even: bool
           ) -> Requantize:
    """The stage, with factors whose offsets end in as many zeros as all can: bits that no adder has to have."""
    lines = list(zip(*(fit.lines for fit in fits), strict=True))
    chosen = next(found for zeros in range(min(shift, _MOST_ZEROS), -1, -1)
                  if (found := _with_zeros(lines, zeros)) is not None)
    factors, offsets = (tuple(tuple(numbers[which] for numbers in line) for line in chosen) for which in (0, 1))
    splits = tuple(fit.split for fit in fits) if len(lines) > 1 else ()
    if all(len(set(numbers)) == 1 for numbers in (*factors, *offsets, splits or (0,))):
        factors, offsets, splits = (tuple(line[:1] for line in factors), tuple(line[:1] for line in offsets),
                                    splits[:1])
    return Requantize(covering(low, high, fractions[1]), low, high, shift, factors, offsets, splits, fractions[0],
                      half_even)


def _with_zeros(lines: Sequence[Sequence[Offsets]], zeros: int) -> list[list[tuple[int, int]]] | None:
    """A factor and an offset that ends in so many zeros for each channel of each line; None where one has none."""
    found: list[list[tuple[int, int]]] = []
    for line in lines:
        chosen: list[tuple[int, int]] = []
        for offsets in line:
            numbers = offsets.nearest(zeros)
            if numbers is None:
                return None
            chosen.append(numbers)
        found.append(chosen)
    return found
