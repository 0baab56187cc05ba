"""Stages on a stream, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.pointwise import layer as typed
from quantunet_hls.ops.stages.base import Stage, apply_stages
from quantunet_hls.ops.streaming import Staged, StreamLayer
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["FACET", "Pointwise"]


@dataclass(frozen=True, eq=False)
class Pointwise(Staged):
    """Casts and activations on a stream, value by value."""

    room: ClassVar[str] = "pointwise"
    kind: ClassVar[str] = "pointwise"

    input_type: FixedType
    stages: tuple[Stage, ...]

    @property
    def unstaged(self) -> FixedType:
        """That of what comes in."""
        return self.input_type

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The values through the stages."""
        return apply_stages(sources[0], self.input_type, self.stages)

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """A beat a clock."""
        return self._one_clock((self._in_order(sources[0], self.beats),), self.beats)


def _lowered(layer: typed.Pointwise, name: str, sources: Sequence[Source]) -> Pointwise:
    source = sources[0].layer
    return Pointwise(name, (source.name,), source.shape, layer.type, source.type, layer.stages)


FACET = LayerLowering(_lowered)
