"""What a layer does to each value by itself, behind its sums: casts and activations."""

from __future__ import annotations

from dataclasses import dataclass

from quantunet_hls.types.fixed import FixedType

__all__ = ["Cast", "LeakyRelu", "Relu"]


@dataclass(frozen=True)
class Cast:
    """The value, cast into another type."""

    type: FixedType


@dataclass(frozen=True)
class Relu:
    """Zero where the value is not positive, else the value cast into ``type``."""

    type: FixedType


@dataclass(frozen=True)
class LeakyRelu:
    """The value where it is positive, else ``slope * 2**-slope_fraction`` times it, cast into ``type``."""

    type: FixedType
    slope: int
    slope_fraction: int
