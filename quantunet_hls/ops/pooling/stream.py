"""Pooling on streams: the largest value under a window, or the mean of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.actors import Actor, every
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.pooling import layer as typed
from quantunet_hls.ops.shape import Sides
from quantunet_hls.ops.stages.base import Stage, apply_stages, reduced, retyped
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.quotient.stage import Quotient
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.ops.window import Window
from quantunet_hls.ops.windowed import Windowed, room_in
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = ["FACET", "Pooling", "WholePooling"]

#: Clocks from a beat of the last pixel to the one that goes out, beside those of a stage.
_WHOLE_LATENCY = 4
_STAGE_LATENCY = 2


@dataclass(frozen=True, eq=False)
class Pooling(Windowed):
    """The largest value under a window, or the mean of them.

    Padding is below every value to the first, and zeros to the second. The mean
    of a window of ``2**n`` pixels is their exact sum with ``n`` more fraction
    bits: no division, and ``stages`` rounds it. Of any other window the sum goes
    to ``stages``, whose first one divides it.

    Attributes:
        operation: ``max`` or ``average``.
        stages: what happens to the largest value, to the mean, or to the sum before it goes out.
    """

    room: ClassVar[str] = "pooling"
    kind: ClassVar[str] = "pooling"
    #: Whether its one window is the whole image.
    whole: ClassVar[bool] = False

    operation: str
    stages: tuple[Stage, ...] = ()

    @property
    def accumulator(self) -> FixedType:
        """The type of the largest value, of the exact mean, or of the sum where the mean is no fixed-point number."""
        if self.operation == "max":
            return self.input_type
        taps = self.window.taps
        shift = 0 if taps & (taps - 1) else taps.bit_length() - 1
        return covering(taps * self.input_type.low, taps * self.input_type.high, self.input_type.fraction + shift)

    @property
    def unstaged(self) -> FixedType:
        """That of the accumulator."""
        return self.accumulator

    @property
    def groups(self) -> int:
        """Beats of a pixel."""
        return self.shape.channels // self.lanes

    @property
    def fill(self) -> int:
        """Code that a tap in the padding reads."""
        return self.input_type.low if self.operation == "max" else 0

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The largest values or the sums, through the stages."""
        taps = np.stack([tap for _, _, tap in self.taps(sources[0])])
        merged: Integers = taps.max(axis=0) if self.operation == "max" else taps.sum(axis=0)
        return apply_stages(merged, self.accumulator, self.stages)

    def passing(self, sources: Sequence[StreamLayer]) -> StreamLayer:
        """The largest values of another type; a mean is a value of its own."""
        if self.operation != "max" or len(self.stages) != 1:
            return super().passing(sources)
        type_ = self.type.like(sources[0].type)
        return replace(self, type=type_, input_type=sources[0].type, stages=(retyped(self.stages[0], type_),))


@dataclass(frozen=True, eq=False)
class WholePooling(Pooling):
    """The same under one window, which is the whole image: a value a channel is held, and no line is kept."""

    whole: ClassVar[bool] = True

    @property
    def cycles(self) -> int:
        """Clock cycles of a frame: one beat that comes in a clock."""
        return self.input_shape.pixels * self.groups

    @property
    def buffered(self) -> bool:
        """No."""
        return False

    @property
    def burst(self) -> int:
        """All that there is."""
        return 1

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The largest values or the sums of each frame, through the stages."""
        merged: Integers = (np.max if self.operation == "max" else np.sum)(sources[0], axis=(1, 2), keepdims=True)
        return apply_stages(merged, self.accumulator, self.stages)

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """A beat in a clock; one out for each of the last pixel."""
        beats = np.arange(self.cycles)
        return Actor(self.name, (self._in_order(sources[0], self.cycles),), every(1, self.cycles),
                     beats >= self.cycles - self.groups, _WHOLE_LATENCY + _STAGE_LATENCY * len(self.stages))


def _lowered(layer: typed.Pooling, name: str, sources: Sequence[Source]) -> Pooling:
    source = sources[0].layer
    top, bottom, left, right = (own + more for own, more in zip(layer.padding, sources[0].padding, strict=True))
    window = Window(layer.window, layer.stride, (top, bottom, left, right))
    made = WholePooling if window == Window((source.shape.height, source.shape.width), layer.stride) else Pooling
    pooling = made(name, (source.name,), layer.shape, layer.type, source.shape, source.type, window,
                   "average" if layer.mean else "max", layer.stages, slack=source.burst)
    stages = _mean_stages(layer, pooling) if layer.mean else _largest_stages(layer, pooling)
    return replace(pooling, stages=stages)


def _largest_stages(layer: typed.Pooling, pooling: Pooling) -> tuple[Stage, ...]:
    if not layer.accumulator.holds(pooling.input_type):
        raise IllegalGraphError(layer.name, f"its accumulator {layer.accumulator} can't hold its input "
                                f"{pooling.input_type}", "give it the type of its input")
    return reduced(pooling.accumulator, layer.stages)


def _mean_stages(layer: typed.Pooling, pooling: Pooling) -> tuple[Stage, ...]:
    fraction, exact, taps = pooling.input_type.fraction, pooling.accumulator, pooling.window.taps
    if not layer.accumulator.holds(replace(exact, fraction=fraction)):
        raise IllegalGraphError(layer.name, f"its accumulator {layer.accumulator} can't hold the sum of its window",
                                "give it a wider one")
    # C++ divides the sum by a whole number: the quotient is cut towards zero.
    quotient = FixedType(exact.width + layer.accumulator.fraction - fraction, layer.accumulator.fraction,
                         exact.signed, "TRN_ZERO")
    if taps & (taps - 1):
        return (Quotient(quotient, taps), *reduced(quotient, layer.stages))
    return reduced(exact, (Cast(quotient), *layer.stages))


def _room(layer: typed.Pooling) -> Sides:
    # The largest value under a window may be less than the zeros around the image.
    return room_in(layer.window, (1, 1), layer.padding) if layer.mean else (0, 0, 0, 0)


FACET = LayerLowering(_lowered, room=_room)
