"""Casts and activations on a stream, value by value, with the credits of the other units."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.ops.hardware.pool import PoolUnit
from quantunet_hls.ops.streaming import Step
from quantunet_hls.types.fixed import FixedType

__all__ = ["PointwiseUnit"]


class PointwiseUnit(PoolUnit):
    """Every value through the steps: a pooling unit whose windows are one pixel."""

    def __init__(self, lanes: int, source: FixedType, steps: Sequence[Step]):
        super().__init__("max", 1, lanes, source, source, steps)
