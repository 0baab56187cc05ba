"""Pooling on streams: the largest value under a window, or the mean of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.stages.base import Stage, apply_stages, retyped
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.ops.windowed import Windowed
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = ["Pooling"]


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
