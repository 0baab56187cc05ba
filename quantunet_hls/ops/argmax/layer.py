"""The class of each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.network import Layer

__all__ = ["ArgMax"]


@dataclass(frozen=True, eq=False)
class ArgMax(Layer):
    """The channel with the largest value, the lowest one of several."""

    kind: ClassVar[str] = "argmax"

    @property
    def meaning(self) -> Meaning | None:
        """Classes."""
        return Meaning.CLASSES
