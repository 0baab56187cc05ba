"""Pixels apart from one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer

__all__ = ["ZeroInsertion"]


@dataclass(frozen=True, eq=False)
class ZeroInsertion(Layer):
    """Pixels ``factor`` (rows, columns) apart, zeros between and behind."""

    kind: ClassVar[str] = "zero_insertion"

    factor: tuple[int, int]
