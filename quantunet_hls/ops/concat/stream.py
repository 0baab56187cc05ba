"""The channels of two streams, one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd
from typing import ClassVar, Self

import numpy as np

from quantunet_hls.folding.actors import Actor, Parts, Reading
from quantunet_hls.ops.concat import layer as typed
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.streaming import PREFETCH, StreamLayer, divisors
from quantunet_hls.types.fixed import Integers

__all__ = ["FACET", "Concat"]


@dataclass(frozen=True, eq=False)
class Concat(StreamLayer):
    """The channels of the first source, then those of the second."""

    room: ClassVar[str] = "concat"
    kind: ClassVar[str] = "concat"
    in_turn: ClassVar[bool] = True

    channels: tuple[int, int]

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The channels of all, in order."""
        return np.concatenate(sources, axis=3)

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """Pixel by pixel the beats of one source, then those of the other."""
        counts = [channels // self.lanes for channels in self.channels]
        turn = np.repeat(np.arange(len(counts)), counts)
        readings = (self._of_turn(source, turn == index) for index, source in enumerate(sources))
        return self._one_clock(tuple(readings), self.beats)

    def _of_turn(self, source: StreamLayer, mine: np.ndarray) -> Reading:
        """How a source is read whose turn it is at these beats of each pixel."""
        taken, each = np.cumsum(mine), np.count_nonzero(mine)

        def released(first: int, behind: int) -> np.ndarray:
            return np.arange(first, behind)[:, None] * each + taken

        def needed(first: int, behind: int) -> np.ndarray:
            return np.where(mine, released(first, behind) - 1, -1)

        pixels, beats = self.shape.pixels, len(mine)
        return self._reading(source, Parts(pixels, beats, needed), Parts(pixels, beats, released), PREFETCH)

    def foldings(self) -> list[Self]:
        """Lanes that divide the channels of both sources."""
        return [replace(self, lanes=count) for count in divisors(gcd(*self.channels))]

    def passing(self, sources: Sequence[StreamLayer]) -> StreamLayer:
        """The channels of another type, which is that of both sources."""
        return replace(self, type=self.type.like(sources[0].type))


def _lowered(layer: typed.Concat, name: str, sources: Sequence[Source]) -> Concat:
    first, second = (source.layer for source in sources)
    return Concat(name, (first.name, second.name), layer.shape, layer.type,
                  (first.shape.channels, second.shape.channels))


FACET = LayerLowering(_lowered, one_type=True, assigns=True)
