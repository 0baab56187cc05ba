"""Fixed-point types and their casts on integers: the one definition that all executors share.

A value of a type is an integer code; code times ``2**-fraction`` is the number
it stands for. The casts follow ``ap_fixed`` (AMD UG1399, "Quantization Modes"
and "Overflow Modes"), which hls4ml's C++ project uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantunet_hls.core.errors import ConfigurationError

__all__ = ["ROUNDINGS", "SATURATIONS", "FixedType", "Integers", "Stored", "bits_for", "cast", "covering", "parse_type",
           "shifted_right"]

Integers = NDArray[np.int64]

#: Codes that are kept and compared, in as few bytes as they need; whoever computes with them takes 64 bits.
Stored = NDArray[np.integer[Any]]

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
    def lowest(self) -> int:
        """Smallest code that a cast leaves: symmetrical saturation never gives the lowest of a signed type."""
        return -self.high if self.saturation == "SAT_SYM" and self.signed else self.low

    @property
    def integer(self) -> int:
        """Bits in front of the point, the sign's included; may be negative or exceed ``width``."""
        return self.width - self.fraction

    @property
    def exponent(self) -> int:
        """Power of two that code 1 stands for."""
        return -self.fraction

    @property
    def storage(self) -> np.dtype[Any]:
        """The smallest of numpy's integers that holds every code."""
        size = next((bits for bits in (8, 16, 32) if self.width <= bits), 64)
        return np.dtype(f"{'int' if self.signed else 'uint'}{size}")

    @property
    def step(self) -> float:
        """The number that code 1 stands for."""
        return 2.0**-self.fraction

    def of_width(self, width: int) -> FixedType:
        """The type of the same range, but for the last step, in so many bits."""
        return replace(self, width=width, fraction=self.fraction + width - self.width)

    def like(self, other: FixedType) -> FixedType:
        """The type with the width and fraction of another one."""
        return replace(self, width=other.width, fraction=other.fraction)

    def holds(self, other: FixedType) -> bool:
        """Whether every value of another type is the same value in this one."""
        places = self.fraction - other.fraction
        return places >= 0 and self.lowest <= other.low << places and other.high << places <= self.high

    def __str__(self) -> str:
        """The type as hls4ml's configuration spells it."""
        kind = "fixed" if self.signed else "ufixed"
        return f"{kind}<{self.width},{self.integer},{self.rounding},{self.saturation}>"


_SPELLING = re.compile(r"(u?)fixed<(\d{1,3}),(-?\d{1,3})(?:,(\w+)(?:,(\w+))?)?>", re.ASCII)


def parse_type(text: str) -> FixedType:
    """The inverse of ``str``: a type as hls4ml's configuration spells it.

    Raises:
        ConfigurationError: it is spelled otherwise, or there is no such type.
    """
    match = _SPELLING.fullmatch("".join(str(text).split()))
    if match is None:
        raise ConfigurationError(f"{text!r} is no fixed-point type; write fixed<width,integer bits,rounding,overflow>, "
                                 "or ufixed for one without sign.")
    unsigned, width, integer, rounding, saturation = match.groups()
    return FixedType(int(width), int(width) - int(integer), not unsigned, rounding or "TRN", saturation or "WRAP")


def bits_for(low: int, high: int) -> int:
    """Bits of the narrowest two's complement number that holds both."""
    return max((-low - 1).bit_length() if low < 0 else 0, high.bit_length() if high > 0 else 0) + 1


def covering(low: int, high: int, fraction: int = 0, *, signed: bool | None = None) -> FixedType:
    """The narrowest type that holds every code from ``low`` to ``high``, so that it needs no rounding or saturation.

    Args:
        low: smallest code.
        high: largest code.
        fraction: bits behind the point.
        signed: whether it has a sign; by default where ``low`` is negative.

    Raises:
        ValueError: an unsigned type was asked for, and ``low`` is negative.
    """
    has_sign = low < 0 if signed is None else signed
    if low < 0 and not has_sign:
        raise ValueError("an unsigned type can't hold a negative value")
    # Two's complement of w bits reaches from -2**(w-1) to 2**(w-1) - 1: -2**k needs k bits beside the sign, not k + 1.
    below = (-low - 1).bit_length() if low < 0 else 0
    return FixedType(max(below, max(high, 0).bit_length(), 1 - has_sign) + has_sign, fraction, has_sign)


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
    if target.saturation == "SAT_ZERO":
        return np.where((rounded < target.low) | (rounded > target.high), 0, rounded)
    return np.clip(rounded, target.lowest, target.high)


def _wrapped(codes: Integers, target: FixedType) -> Integers:
    if target.width > 63:
        return codes
    low = codes & ((np.int64(1) << target.width) - 1)
    if target.signed:
        low = np.where(low >> (target.width - 1), low - (np.int64(1) << target.width), low)
    return low
