"""The value divided by a whole number, as C++ divides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["Quotient"]


@dataclass(frozen=True)
class Quotient(Stage):
    """The value divided by a whole number, cut towards zero behind the last fraction bit of ``type``.

    ``type`` holds every quotient and has no fewer fraction bits than the value.
    """

    kind: ClassVar[str] = "quotient"

    type: FixedType
    divisor: int

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` as codes of ``type``."""
        aligned = codes << (self.type.fraction - source.fraction)
        return np.sign(aligned) * (np.abs(aligned) // self.divisor)
