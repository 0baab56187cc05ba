"""Nearest-neighbour upsampling on streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from quantunet_hls.folding.actors import Actor, Parts
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.ops.upsample import layer as typed
from quantunet_hls.types.fixed import Integers

__all__ = ["FACET", "Upsample"]


@dataclass(frozen=True, eq=False)
class Upsample(StreamLayer):
    """Every pixel repeated ``factor`` (rows, columns) times: nearest-neighbour upsampling."""

    room: ClassVar[str] = "upsample"
    kind: ClassVar[str] = "upsample"

    input_shape: Shape
    factor: tuple[int, int]

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The pixels, repeated."""
        return sources[0].repeat(self.factor[0], axis=1).repeat(self.factor[1], axis=2)

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """Rows are read again and again out of a buffer of two."""
        shape = self.input_shape
        words = shape.channels // self.lanes
        row = shape.width * words
        pixels = np.repeat(np.arange(shape.width), self.factor[1])
        of_row = (pixels[:, None] * words + np.arange(words)).reshape(-1)

        def needed(first: int, behind: int) -> np.ndarray:
            return (np.arange(first, behind) // self.factor[0] * row)[:, None] + of_row

        def released(first: int, behind: int) -> np.ndarray:
            rows = np.arange(first, behind)
            found = np.repeat(rows // self.factor[0] * row, len(of_row)).reshape(len(rows), -1)
            # A row goes with its last pixel of the last time.
            found[:, -1] = (rows + 1) // self.factor[0] * row
            return found

        rows, places = self.shape.height, len(of_row)
        reading = self._reading(sources[0], Parts(rows, places, needed), Parts(rows, places, released), 2 * row)
        return self._one_clock((reading,), self.beats)

    def passing(self, sources: Sequence[StreamLayer]) -> StreamLayer:
        """The pixels of another type."""
        return replace(self, type=self.type.like(sources[0].type))


def _lowered(layer: typed.Upsample, name: str, sources: Sequence[Source]) -> Upsample:
    source = sources[0].layer
    return Upsample(name, (source.name,), layer.shape, source.type, source.shape, layer.factor)


FACET = LayerLowering(_lowered, one_type=True)
