"""Two streams added, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.add import layer as typed
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.stages.base import Stage, apply_stages, reduced
from quantunet_hls.ops.streaming import Staged, StreamLayer
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = ["FACET", "Add"]


@dataclass(frozen=True, eq=False)
class Add(Staged):
    """The exact sum of two streams' values, at the finer of both steps.

    Attributes:
        input_types: of both streams.
        stages: what happens to each sum before it goes out.
    """

    room: ClassVar[str] = "add"
    kind: ClassVar[str] = "add"

    input_types: tuple[FixedType, FixedType]
    stages: tuple[Stage, ...]

    @property
    def fraction(self) -> int:
        """Fraction bits of the sums: those of the finer stream."""
        return max(each.fraction for each in self.input_types)

    @property
    def aligned(self) -> FixedType:
        """The narrowest type that holds the values of either stream at the sums' step."""
        lows = [each.low << (self.fraction - each.fraction) for each in self.input_types]
        highs = [each.high << (self.fraction - each.fraction) for each in self.input_types]
        return covering(min(lows), max(highs), self.fraction)

    @property
    def accumulator(self) -> FixedType:
        """The narrowest type that holds every sum."""
        return covering(sum(each.low << (self.fraction - each.fraction) for each in self.input_types),
                        sum(each.high << (self.fraction - each.fraction) for each in self.input_types), self.fraction)

    @property
    def unstaged(self) -> FixedType:
        """That of the sums."""
        return self.accumulator

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The sums through the stages."""
        one, other = (codes << (self.fraction - each.fraction)
                      for codes, each in zip(sources, self.input_types, strict=True))
        return apply_stages(one + other, self.accumulator, self.stages)

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """A beat of each stream a clock."""
        return self._one_clock(tuple(self._in_order(source, self.beats) for source in sources), self.beats)


def _lowered(layer: typed.Add, name: str, sources: Sequence[Source]) -> Add:
    one, other = (source.layer for source in sources)
    made = Add(name, (one.name, other.name), layer.shape, layer.type, (one.type, other.type), layer.stages)
    return replace(made, stages=reduced(made.accumulator, layer.stages))


FACET = LayerLowering(_lowered)
