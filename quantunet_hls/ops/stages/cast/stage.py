"""The value in another type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType, Integers, cast

__all__ = ["Cast"]


@dataclass(frozen=True)
class Cast(Stage):
    """The value, cast into another type."""

    kind: ClassVar[str] = "cast"
    meaning: ClassVar[Meaning | None] = None

    type: FixedType

    def keeps(self, source: FixedType) -> bool:
        """Whether every value of a type is the same in its own."""
        return self.type.holds(source)

    @property
    def keeps_order(self) -> bool:
        """Whether it saturates: every rounding keeps the order of numbers."""
        return self.type.saturation in ("SAT", "SAT_SYM")

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` as codes of ``type``."""
        return cast(codes, source, self.type)
