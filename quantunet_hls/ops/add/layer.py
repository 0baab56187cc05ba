"""Two images added, value by value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer

__all__ = ["Add"]


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """The exact sum of two results of one shape, at the finer of both steps, through the stages."""

    kind: ClassVar[str] = "add"
    takes_stages: ClassVar[bool] = True
