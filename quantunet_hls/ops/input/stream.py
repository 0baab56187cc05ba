"""Where frames come in, as a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.input import layer as typed
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.types.fixed import Integers

__all__ = ["FACET", "Input"]


@dataclass(frozen=True, eq=False)
class Input(StreamLayer):
    """Where frames come in: a port, with all channels side by side."""

    room: ClassVar[str] = "input"
    kind: ClassVar[str] = "input"

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The frames themselves."""
        return sources[0]

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """A beat a clock at most."""
        return self._one_clock((), self.beats)

    def foldings(self) -> list[Self]:
        """A pixel a beat."""
        return [replace(self, lanes=self.shape.channels)]

    def passing(self, sources: Sequence[StreamLayer]) -> StreamLayer:
        """What comes in has the width that it has."""
        return self


def _lowered(layer: typed.Input, name: str, sources: Sequence[Source]) -> Input:
    return Input(name, (), layer.shape, layer.type)


FACET = LayerLowering(_lowered)
