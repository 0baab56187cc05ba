"""The value, but no less and no more than two limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["Clip"]


@dataclass(frozen=True)
class Clip(Stage):
    """The value limited to codes of ``type`` from ``low`` to ``high``; the type is as fine as what comes, or finer."""

    kind: ClassVar[str] = "clip"

    type: FixedType
    low: int
    high: int

    def keeps(self, source: FixedType) -> bool:
        """Whether every value of a type lies between the limits, and is the same in its own."""
        places = self.type.fraction - source.fraction
        return (self.type.holds(source) and self.low <= source.lowest << places
                and source.high << places <= self.high)

    def deferred(self, following: Stage) -> tuple[Stage, ...]:
        """What keeps the order of numbers, first, and then what it makes of both limits."""
        if not following.keeps_order:
            return (self, following)
        low, high = (int(code) for code in following.apply(np.array([self.low, self.high]), self.type))
        limited = Clip(following.type, low, high)
        return (following,) if limited.keeps(following.type) else (following, limited)

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` as codes of ``type``."""
        return np.clip(codes << (self.type.fraction - source.fraction), self.low, self.high)
