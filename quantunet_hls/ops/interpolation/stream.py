"""Pixels between pixels on streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.interpolation import layer as typed
from quantunet_hls.ops.interpolation.layer import Places
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.base import Stage, apply_stages, reduced
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.quotient.stage import Quotient
from quantunet_hls.ops.streaming import Staged, StreamLayer
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = ["FACET", "Interpolation", "units"]

#: Clocks from a word of the buffer to its beat on the stream, beside adder levels and stages.
_DATAPATH = 5

#: Words of a line below which its last word is not there when it is wanted, with room for but two lines.
_SHORT = 4

#: Registers of a stage behind the sums, about.
_STAGE = 2


@dataclass(frozen=True, eq=False)
class Interpolation(Staged):
    """Each pixel between two of the stream, one above or beside the other: the sum of weighted lines.

    A line is what lies at one place of the axis: a row of the image, or a pixel of a row.

    Attributes:
        axis: 0 for rows, 1 for columns.
        places: along it.
        finer: fraction bits that the sums have beyond what comes in: they are divided by ``2**finer``.
        stages: what happens to each sum before it goes out.
    """

    room: ClassVar[str] = "interpolation"
    kind: ClassVar[str] = "interpolation"
    uneven: ClassVar[bool] = True

    input_shape: Shape
    input_type: FixedType
    axis: int
    places: Places
    finer: int
    stages: tuple[Stage, ...]

    @property
    def accumulator(self) -> FixedType:
        """The narrowest type that holds every sum."""
        parts = self.places.parts
        return covering(parts * self.input_type.low, parts * self.input_type.high,
                        self.input_type.fraction + self.finer)

    @property
    def unstaged(self) -> FixedType:
        """That of the sums."""
        return self.accumulator

    @property
    def line(self) -> int:
        """Words of a line."""
        return (self.input_shape.width if self.axis == 0 else 1) * self.shape.channels // self.lanes

    @property
    def kept(self) -> int:
        """Lines that each half of its buffer holds: of very short ones two, so that the next is there in time."""
        return 2 if self.line < _SHORT else 1

    @property
    def levels(self) -> int:
        """Levels of the adders."""
        return (len(units(self.places.parts)) - 1).bit_length()

    @property
    def bulk(self) -> float:
        """That of a lane's adders, for each."""
        return float(self.lanes * len(units(self.places.parts)))

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The sums through the stages."""
        before, behind, weight = self.places.between()
        weight = weight.reshape((-1, 1, 1) if self.axis == 0 else (-1, 1))
        one, other = (sources[0].take(places, axis=1 + self.axis) for places in (before, behind))
        return apply_stages((self.places.parts - weight) * one + weight * other, self.accumulator, self.stages)

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """Lines are read out of a buffer, again and again; a line goes while it is read for the last time."""
        words = np.arange(self.line)
        before, behind, _ = self.places.between()
        needed = behind[:, None] * self.line + words
        last = np.append(before[1:] != before[:-1], True)
        released = before[:, None] * self.line + np.where(last[:, None], words + 1, 0)
        images = np.arange(1 if self.axis == 0 else self.input_shape.height) * self.places.pixels * self.line
        needed, released = ((images[:, None, None] + each).reshape(-1) for each in (needed, released))
        firings = len(needed)
        return Actor(self.name, (self._reading(sources[0], needed, released, 2 * self.kept * self.line),),
                     np.ones(firings, np.int64), np.ones(firings, bool),
                     _DATAPATH + self.levels + _STAGE * len(self.stages), spread=True)


def units(parts: int) -> tuple[int, ...]:
    """Powers of two that add up to ``parts``, some of which add up to any smaller number.

    1, 2, 4, ... as far as they go; then, in powers of two as well, what is left, which is no more than the next
    one would be. Of a weighted sum of two values each unit takes one or the other, so it needs no multiplier.
    """
    plain = (parts + 1).bit_length() - 1
    rest = parts - (1 << plain) + 1
    return (*(1 << place for place in range(plain)),
            *(1 << place for place in range(rest.bit_length()) if rest >> place & 1))


def _lowered(layer: typed.Interpolation, name: str, sources: Sequence[Source]) -> Interpolation:
    source = sources[0].layer
    finer = layer.divisor.bit_length() - 1
    divides = layer.divisor != 1 << finer
    made = Interpolation(name, (source.name,), layer.shape, layer.type, source.shape, source.type, layer.axis,
                         layer.places, 0 if divides else finer, layer.stages)
    sums, accumulator = made.accumulator, layer.accumulator
    entry: tuple[Stage, ...] = ()
    places = accumulator.fraction - sums.fraction
    if not accumulator.holds(sums):
        # Sums that occur may lie closer together than the input's type says; what lies beyond would wrap in C++, too.
        if accumulator.saturation != "WRAP" or not 0 <= places < accumulator.width:
            raise IllegalGraphError(layer.name, f"its accumulator {accumulator} can't hold its sums {sums}",
                                    "give it a wider one")
        sums = FixedType(accumulator.width - places, sums.fraction, accumulator.signed)
        entry = (Cast(sums),)
    if divides:
        # C++ divides the sum by a whole number: the quotient is cut towards zero.
        quotient = FixedType(sums.width + places, accumulator.fraction, sums.signed, "TRN_ZERO")
        entry = (*entry, Quotient(quotient, layer.divisor))
    return replace(made, stages=reduced(made.accumulator, (*entry, *layer.stages)))


FACET = LayerLowering(_lowered)
