"""Stages by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer

__all__ = ["Pointwise"]


@dataclass(frozen=True, eq=False)
class Pointwise(Layer):
    """Nothing but stages."""

    kind: ClassVar[str] = "pointwise"
