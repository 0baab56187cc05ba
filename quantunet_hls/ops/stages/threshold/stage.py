"""Whether the value exceeds a limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["BIT", "Threshold"]

#: The type of a yes or no.
BIT = FixedType(1, 0, False)


@dataclass(frozen=True)
class Threshold(Stage):
    """1 where the value exceeds ``limit * 2**-fraction``, else 0."""

    kind: ClassVar[str] = "threshold"
    meaning: ClassVar[Meaning | None] = Meaning.CLASSES

    limit: int
    fraction: int
    type: FixedType = field(default=BIT)

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """1 or 0 for each code of ``source``."""
        finest = max(source.fraction, self.fraction)
        exceeds = (codes << (finest - source.fraction)) > (self.limit << (finest - self.fraction))
        return exceeds.astype(np.int64)
