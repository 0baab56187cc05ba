"""Where images enter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer

__all__ = ["Input"]


@dataclass(frozen=True, eq=False)
class Input(Layer):
    """Where images enter: real numbers, assigned to the port's type by its one stage, a cast."""

    kind: ClassVar[str] = "input"
