"""Largest or mean values under windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.shape import Sides
from quantunet_hls.types.fixed import FixedType

__all__ = ["Pooling"]


@dataclass(frozen=True, eq=False)
class Pooling(Layer):
    """Largest or mean value under windows.

    Attributes:
        window: rows and columns.
        stride: rows and columns.
        padding: around the image: zeros to a mean, below every value to a maximum.
        mean: whether it is the mean.
        accumulator: type to which every value, and then every sum, is assigned.
    """

    kind: ClassVar[str] = "pooling"
    takes_stages: ClassVar[bool] = True

    window: tuple[int, int]
    stride: tuple[int, int]
    padding: Sides
    mean: bool
    accumulator: FixedType
