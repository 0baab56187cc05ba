"""Pixels repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer

__all__ = ["Upsample"]


@dataclass(frozen=True, eq=False)
class Upsample(Layer):
    """Every pixel repeated ``factor`` (rows, columns) times: nearest-neighbour upsampling."""

    kind: ClassVar[str] = "upsample"

    factor: tuple[int, int]
