"""Zeros between the pixels of a stream: what a transposed convolution convolves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.ops.zero_insertion import layer as typed
from quantunet_hls.types.fixed import Integers

__all__ = ["FACET", "ZeroInsertion"]


@dataclass(frozen=True, eq=False)
class ZeroInsertion(StreamLayer):
    """Pixels ``factor`` (rows, columns) apart, zeros between and behind: what a transposed convolution convolves."""

    room: ClassVar[str] = "zero_insertion"
    kind: ClassVar[str] = "zero insertion"
    uneven: ClassVar[bool] = True

    input_shape: Shape
    factor: tuple[int, int]

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The pixels at their places."""
        x = sources[0]
        result = np.zeros((len(x), self.shape.height, self.shape.width, self.shape.channels), np.int64)
        result[:, :: self.factor[0], :: self.factor[1]][:, : x.shape[1], : x.shape[2]] = x
        return result

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """Zeros wait for nothing; pixels stand in the stream until it is their turn."""
        shape = self.input_shape
        words = shape.channels // self.lanes
        places = np.full((self.shape.height, self.shape.width, words), -1, np.int64)
        places[:: self.factor[0], :: self.factor[1]][: shape.height, : shape.width] = np.arange(
            shape.pixels * words).reshape(shape.height, shape.width, words)
        needed = places.reshape(-1)
        released = np.maximum.accumulate(needed) + 1
        return self._one_clock((self._reading(sources[0], needed, released, 0),), self.beats)


def _lowered(layer: typed.ZeroInsertion, name: str, sources: Sequence[Source]) -> ZeroInsertion:
    source = sources[0].layer
    return ZeroInsertion(name, (source.name,), layer.shape, source.type, source.shape, layer.factor)


FACET = LayerLowering(_lowered, one_type=True)
