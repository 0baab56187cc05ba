"""The class of each pixel of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.actors import Actor, every
from quantunet_hls.ops.argmax import layer as typed
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamLayer, divisors
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = ["FACET", "ArgMax"]


@dataclass(frozen=True, eq=False)
class ArgMax(StreamLayer):
    """The channel with the largest value, the lowest one of several.

    Attributes:
        simd: channels that are compared side by side; divides the input channels.
    """

    room: ClassVar[str] = "argmax"
    kind: ClassVar[str] = "argmax"
    folded_in: ClassVar[tuple[str, ...]] = ("lanes", "simd")

    input_shape: Shape
    input_type: FixedType
    simd: int = field(default=1, kw_only=True)

    @property
    def class_count(self) -> int:
        """A class a channel that comes in."""
        return self.input_shape.channels

    @property
    def cycles(self) -> int:
        """Clock cycles of a frame: one beat a clock."""
        return self.shape.pixels * self.input_shape.channels // self.simd

    @property
    def input_lanes(self) -> int:
        """Channels a beat that come in."""
        return self.simd

    def check(self) -> None:
        """Refuse a SIMD that divides no pixel."""
        super().check()
        if self.input_shape.channels % self.simd:
            raise IllegalGraphError(
                self.name, f"a SIMD of {self.simd} does not divide its {self.input_shape.channels} input channels",
                "choose a divisor")

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The index of the first largest value."""
        return np.asarray(sources[0].argmax(axis=3)[..., None], np.int64)

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """A beat that comes in a clock, one that goes out a pixel."""
        beats, pixel = np.arange(self.cycles), self.input_shape.channels // self.simd
        return Actor(self.name, (self._in_order(sources[0], self.cycles),), every(1, self.cycles),
                     beats % pixel == pixel - 1, 3 + (self.simd - 1).bit_length())

    def foldings(self) -> list[Self]:
        """All numbers of channels that are compared side by side."""
        return [replace(self, simd=count) for count in divisors(self.input_shape.channels)]

    @property
    def bulk(self) -> float:
        """By what is compared."""
        return float(self.simd)


def _lowered(layer: typed.ArgMax, name: str, sources: Sequence[Source]) -> ArgMax:
    source = sources[0].layer
    return ArgMax(name, (source.name,), layer.shape, covering(0, source.shape.channels - 1), source.shape,
                  source.type)


FACET = LayerLowering(_lowered)
