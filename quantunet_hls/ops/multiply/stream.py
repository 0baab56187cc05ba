"""Two streams multiplied, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.multiply import layer as typed
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.base import Stage, apply_stages, reduced
from quantunet_hls.ops.streaming import Staged, StreamLayer
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = ["FACET", "Multiply"]


@dataclass(frozen=True, eq=False)
class Multiply(Staged):
    """The exact product of two streams' values.

    Attributes:
        input_types: of both streams.
        factor_shape: of the second one: that of the first, or with one channel, one pixel, or both.
        stages: what happens to each product before it goes out.
    """

    room: ClassVar[str] = "multiply"
    kind: ClassVar[str] = "multiply"

    input_types: tuple[FixedType, FixedType]
    factor_shape: Shape
    stages: tuple[Stage, ...]

    def lanes_from(self, place: int) -> int:
        """All lanes from a stream of all channels; from one of a single channel its one."""
        return min(self.lanes, self.factor_shape.channels) if place else self.lanes

    @property
    def factors(self) -> tuple[int, int]:
        """Beats of the second stream that come again and again, one after the other, and how often they come."""
        words = self.factor_shape.channels // self.lanes_from(1)
        if self.factor_shape.pixels == self.shape.pixels:
            # Each serves no beats but those of its own pixel.
            return 1, self.shape.channels // self.lanes // words
        return words, self.beats // words

    @property
    def accumulator(self) -> FixedType:
        """The narrowest type that holds every product."""
        one, other = self.input_types
        ends = [a * b for a in (one.low, one.high) for b in (other.low, other.high)]
        return covering(min(ends), max(ends), one.fraction + other.fraction)

    @property
    def unstaged(self) -> FixedType:
        """That of the products."""
        return self.accumulator

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The products through the stages."""
        return apply_stages(sources[0] * sources[1], self.accumulator, self.stages)

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """A beat of the first stream a clock; one of the second stays in its stream while it is read again."""
        beats = np.arange(self.beats)
        words, times = self.factors
        if words == 1:
            needed, released = beats // times, (beats + 1) // times
        else:
            needed, released = np.minimum(beats, words - 1), np.minimum(beats + 1, words)
        return self._one_clock((self._in_order(sources[0], self.beats),
                                self._reading(sources[1], needed, released, 0, place=1)), self.beats)


def _lowered(layer: typed.Multiply, name: str, sources: Sequence[Source]) -> Multiply:
    one, other = (source.layer for source in sources)
    made = Multiply(name, (one.name, other.name), layer.shape, layer.type, (one.type, other.type), other.shape,
                    layer.stages)
    return replace(made, stages=reduced(made.accumulator, layer.stages))


FACET = LayerLowering(_lowered)
