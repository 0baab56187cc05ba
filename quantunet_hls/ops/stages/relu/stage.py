"""Zero or the value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType, Integers, cast

__all__ = ["Relu"]


@dataclass(frozen=True)
class Relu(Stage):
    """Zero where the value is not positive, else the value cast into ``type``."""

    kind: ClassVar[str] = "relu"

    type: FixedType

    @property
    def keeps_order(self) -> bool:
        """Whether it saturates: every rounding keeps the order of numbers."""
        return self.type.saturation in ("SAT", "SAT_SYM")

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` as codes of ``type``."""
        return np.where(codes > 0, cast(codes, source, self.type), 0)
