"""The channels of two streams, one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd
from typing import ClassVar, Self

import numpy as np

from quantunet_hls.folding.schedule import Actor
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
        turn = np.tile(np.repeat(np.arange(len(counts)), counts), self.shape.pixels)
        readings = []
        for index, source in enumerate(sources):
            mine = turn == index
            taken = np.cumsum(mine)
            readings.append(self._reading(source, np.where(mine, taken - 1, -1), taken, PREFETCH))
        return self._one_clock(tuple(readings), len(turn))

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
