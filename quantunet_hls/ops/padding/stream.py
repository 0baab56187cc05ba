"""Zeros around a stream's image, and images cut out of a stream's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd, prod
from typing import ClassVar, Self

import numpy as np

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.padding import layer as typed
from quantunet_hls.ops.padding.layer import Span, spans
from quantunet_hls.ops.shape import Shape, Sides
from quantunet_hls.ops.streaming import StreamLayer, divisors
from quantunet_hls.types.fixed import Integers

__all__ = ["FACET", "Padding", "padded"]


@dataclass(frozen=True, eq=False)
class Padding(StreamLayer):
    """Zeros around the image, less than none to cut as much off.

    Attributes:
        input_shape: of the stream that comes in.
        sides: rows and columns that are added.
        channels: those that are added before the first and behind the last.
    """

    room: ClassVar[str] = "padding"
    kind: ClassVar[str] = "padding"
    uneven: ClassVar[bool] = True

    input_shape: Shape
    sides: Sides
    channels: tuple[int, int] = (0, 0)

    @property
    def spans(self) -> tuple[Span, Span, Span]:
        """The walks over rows, columns and words of a pixel."""
        return spans(self.input_shape, self.sides, self.channels, self.lanes)

    @property
    def cycles(self) -> int:
        """A clock for each word that comes in or goes out."""
        return prod(span.steps for span in self.spans)

    def check(self) -> None:
        """Refuse beats that would have to be cut."""
        super().check()
        if self.lanes_at_most % self.lanes:
            raise IllegalGraphError(self.name, f"{self.lanes} lanes do not divide the channels that it adds or cuts "
                                    "off", f"choose a divisor of {self.lanes_at_most}")

    @property
    def lanes_at_most(self) -> int:
        """The largest number of channels a beat that cuts no beat apart."""
        return gcd(self.input_shape.channels, self.shape.channels, *self.channels)

    def foldings(self) -> list[Self]:
        """The layer with all lanes that cut no beat apart."""
        return [replace(self, lanes=count) for count in divisors(self.lanes_at_most)]

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The image in its new frame."""
        top, bottom, left, right = self.sides
        x = sources[0]
        ends = ((0, 0), (top, bottom), (left, right), self.channels)
        x = x[tuple(slice(max(-before, 0), size - max(-behind, 0))
                    for (before, behind), size in zip(ends, x.shape, strict=True))]
        return np.pad(x, [(max(before, 0), max(behind, 0)) for before, behind in ends])

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """A firing for each word that comes in or goes out: zeros wait for nothing, and what is cut off is read."""
        sizes = [span.steps for span in self.spans]
        reads, writes = (np.zeros(sizes, bool) for _ in range(2))
        reads[tuple(slice(span.reads.start, span.reads.stop) for span in self.spans)] = True
        writes[tuple(slice(span.writes.start, span.writes.stop) for span in self.spans)] = True
        read = reads.reshape(-1)
        released = np.cumsum(read)
        needed = np.where(read, released - 1, -1)
        return Actor(self.name, (self._reading(sources[0], needed, released, 0),), np.ones(len(read), np.int64),
                     writes.reshape(-1), 3)

    def passing(self, sources: Sequence[StreamLayer]) -> StreamLayer:
        """The pixels of another type."""
        return replace(self, type=self.type.like(sources[0].type))


def padded(name: str, source: StreamLayer, sides: Sides, channels: tuple[int, int] = (0, 0)) -> Padding:
    """A stream with so much more around its images."""
    shape, (top, bottom, left, right) = source.shape, sides
    return Padding(name, (source.name,), Shape(shape.height + top + bottom, shape.width + left + right,
                                               shape.channels + sum(channels)),
                   source.type, shape, sides, channels)


def _lowered(layer: typed.Padding, name: str, sources: Sequence[Source]) -> StreamLayer | Source:
    source = sources[0]
    # A type holds its own values, also the lowest one, to which symmetrical saturation would not bring any.
    if layer.type != source.layer.type and not layer.type.holds(source.layer.type):
        raise IllegalGraphError(layer.name, "its type can't hold its input", "give it the type of its input")
    top, bottom, left, right = (own + more for own, more in zip(source.padding, layer.padding, strict=True))
    if layer.only_adds:
        return Source(source.layer, (top, bottom, left, right))
    return padded(name, source.layer, (top, bottom, left, right), layer.channels)


FACET = LayerLowering(_lowered, room=lambda _layer: None)
