"""Fixed-point types and their casts on integers, the reference that the hardware is compared with.

A value of a type is an integer code; code times ``2**-fraction`` is the number
it stands for. The casts follow ``ap_fixed`` (AMD UG1399, "Quantization Modes"
and "Overflow Modes"), which hls4ml's C++ project uses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantunet_hls.errors import ConfigurationError

__all__ = ["ROUNDINGS", "SATURATIONS", "FixedType", "Integers", "cast", "integer_range", "shifted_right"]

Integers = NDArray[np.int64]

#: What becomes of the bits below the target's last one.
ROUNDINGS = ("TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV")
#: What becomes of a value beyond the target's range.
SATURATIONS = ("WRAP", "SAT", "SAT_ZERO", "SAT_SYM")


@dataclass(frozen=True)
class FixedType:
    """A fixed-point type: ``width`` bits in all, ``fraction`` of them behind the point.

    ``fraction`` may be negative or exceed ``width``. ``rounding`` and
    ``saturation`` say how a value is cast *into* this type.
    """

    width: int
    fraction: int = 0
    signed: bool = True
    rounding: str = "TRN"
    saturation: str = "WRAP"

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ConfigurationError(f"A fixed-point type has at least 1 bit, not {self.width}.")
        if self.rounding not in ROUNDINGS:
            raise ConfigurationError(f"{self.rounding!r} is no rounding mode; use one of {', '.join(ROUNDINGS)}.")
        if self.saturation not in SATURATIONS:
            raise ConfigurationError(f"{self.saturation!r} is no overflow mode; use one of {', '.join(SATURATIONS)}.")

    @property
    def low(self) -> int:
        """Smallest code."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest code."""
        return (1 << (self.width - 1 if self.signed else self.width)) - 1

    @property
    def step(self) -> float:
        """The number that code 1 stands for."""
        return 2.0**-self.fraction

    def __str__(self) -> str:
        kind = "fixed" if self.signed else "ufixed"
        return f"{kind}<{self.width},{self.width - self.fraction},{self.rounding},{self.saturation}>"


def integer_range(low: int, high: int, fraction: int = 0) -> FixedType:
    """The narrowest type, cast into by wrapping, that holds every code from ``low`` to ``high``."""
    if low < 0:
        return FixedType(max((-low - 1).bit_length(), max(high, 0).bit_length()) + 1, fraction, True)
    return FixedType(max(high.bit_length(), 1), fraction, False)


def shifted_right(codes: Integers, drop: int, rounding: str) -> Integers:
    """Codes divided by ``2**drop`` and rounded; a negative ``drop`` multiplies."""
    if drop <= 0:
        return codes << -drop
    if drop > 62:
        # Beyond the word: all that is left is the sign and whether anything was there at all.
        codes, drop = np.clip(codes, -1, 1) * 1, 62
    floor = codes >> drop
    rest = codes - (floor << drop)
    half = np.int64(1) << (drop - 1)
    negative = codes < 0
    above, tie = rest > half, rest == half
    up = {
        "TRN": np.zeros_like(above),
        "TRN_ZERO": negative & (rest != 0),
        "RND": above | tie,
        "RND_ZERO": above | (tie & negative),
        "RND_INF": above | (tie & ~negative),
        "RND_MIN_INF": above,
        "RND_CONV": above | (tie & ((floor & 1) == 1)),
    }[rounding]
    return floor + up


def cast(codes: Integers, source: FixedType, target: FixedType) -> Integers:
    """Codes of ``source`` as codes of ``target``, in the target's rounding and overflow modes."""
    rounded = shifted_right(np.asarray(codes, np.int64), source.fraction - target.fraction, target.rounding)
    if target.saturation == "WRAP":
        return _wrapped(rounded, target)
    low = -target.high if target.saturation == "SAT_SYM" and target.signed else target.low
    if target.saturation == "SAT_ZERO":
        return np.where((rounded < low) | (rounded > target.high), 0, rounded)
    return np.clip(rounded, low, target.high)


def _wrapped(codes: Integers, target: FixedType) -> Integers:
    if target.width > 63:
        return codes
    low = codes & ((np.int64(1) << target.width) - 1)
    if target.signed:
        low = np.where(low >> (target.width - 1), low - (np.int64(1) << target.width), low)
    return low
