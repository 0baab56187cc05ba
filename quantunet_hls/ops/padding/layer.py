"""Zeros around the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.shape import Sides

__all__ = ["Padding"]


@dataclass(frozen=True, eq=False)
class Padding(Layer):
    """Zeros around the image."""

    kind: ClassVar[str] = "padding"

    padding: Sides
