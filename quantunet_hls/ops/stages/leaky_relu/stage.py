"""The value, or a fraction of it where it is negative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType, Integers, cast

__all__ = ["LeakyRelu"]


@dataclass(frozen=True)
class LeakyRelu(Stage):
    """The value where it is positive, else ``slope * 2**-slope_fraction`` times it, cast into ``type``."""

    kind: ClassVar[str] = "leaky_relu"

    type: FixedType
    slope: int
    slope_fraction: int

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` as codes of ``type``."""
        scaled = FixedType(63, source.fraction + self.slope_fraction)
        return np.where(codes > 0, cast(codes, source, self.type), cast(codes * self.slope, scaled, self.type))
