"""Pixels out of channels, on streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.depth_to_space import layer as typed
from quantunet_hls.ops.depth_to_space.layer import places_of_channels
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamLayer, divisors
from quantunet_hls.types.fixed import Integers

__all__ = ["FACET", "DepthToSpace"]


@dataclass(frozen=True, eq=False)
class DepthToSpace(StreamLayer):
    """Every pixel as a block of pixels.

    Attributes:
        input_shape: of the stream that comes in.
        block: rows and columns of a block.
        pixelwise: whether the channels of one pixel of a block stand side by side in what comes in; else a beat holds
            one channel, for the next one's place is far.
    """

    room: ClassVar[str] = "depth_to_space"
    kind: ClassVar[str] = "depth to space"

    input_shape: Shape
    block: int
    pixelwise: bool

    def check(self) -> None:
        """Refuse beats of channels that do not stand side by side."""
        super().check()
        if not self.pixelwise and self.lanes > 1:
            raise IllegalGraphError(self.name, f"no {self.lanes} channels of a pixel stand side by side in its input",
                                    "use one lane")

    def foldings(self) -> list[Self]:
        """The layer with all lanes that it can have."""
        return [replace(self, lanes=count) for count in (divisors(self.shape.channels) if self.pixelwise else [1])]

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The pixels of the blocks."""
        x = sources[0]
        parts = x[..., places_of_channels(x.shape[-1], self.block, pixelwise=self.pixelwise)]
        shape = (len(x), *self.shape.axes)
        return np.ascontiguousarray(parts.transpose(0, 1, 3, 2, 4, 5)).reshape(shape)

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """The rows of a row's blocks are read out of a buffer of two rows."""
        shape, words = self.input_shape, self.input_shape.channels // self.lanes
        row = shape.width * words
        places = places_of_channels(shape.channels, self.block, pixelwise=self.pixelwise)[..., :: self.lanes]
        # (rows of a block, pixels of a row, columns of a block, words of a pixel)
        of_row = np.arange(shape.width)[None, :, None, None] * words + (places // self.lanes)[:, None]
        needed = (np.arange(shape.height)[:, None] * row + of_row.reshape(1, -1)).reshape(-1)
        released = np.repeat(np.arange(shape.height) * row, row)
        released[row - 1:: row] += row
        return self._one_clock((self._reading(sources[0], needed, released, 2 * row),), self.beats)

    def passing(self, sources: Sequence[StreamLayer]) -> StreamLayer:
        """The pixels of another type."""
        return replace(self, type=self.type.like(sources[0].type))


def _lowered(layer: typed.DepthToSpace, name: str, sources: Sequence[Source]) -> DepthToSpace:
    source = sources[0].layer
    return DepthToSpace(name, (source.name,), layer.shape, source.type, source.shape, layer.block, layer.pixelwise)


FACET = LayerLowering(_lowered, one_type=True)
