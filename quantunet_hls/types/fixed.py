"""Fixed-point types, in the words of hls4ml and Vitis HLS (UG1399, "Arbitrary Precision Fixed-Point Types")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["FixedType", "Overflow", "Rounding", "covering"]


class Rounding(Enum):
    """What happens to the bits below the step when a value is assigned."""

    TRN = "TRN"
    RND_CONV = "RND_CONV"


class Overflow(Enum):
    """What happens to a value outside the range when it is assigned."""

    WRAP = "WRAP"
    SAT = "SAT"
    SAT_SYM = "SAT_SYM"


@dataclass(frozen=True)
class FixedType:
    """Integers of ``width`` bits times 2**(integer - width).

    Attributes:
        width: bits in all, sign included.
        integer: bits left of the binary point, sign included; may be negative or above ``width``.
        signed: two's complement or unsigned.
        rounding: mode on assignment.
        overflow: mode on assignment.
    """

    width: int
    integer: int
    signed: bool
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP

    @property
    def exponent(self) -> int:
        """Power of two that one step is worth."""
        return self.integer - self.width

    @property
    def low(self) -> int:
        """Smallest integer, in steps, that assignment leaves in the type."""
        if not self.signed:
            return 0
        return -(1 << (self.width - 1)) + (self.overflow is Overflow.SAT_SYM)

    @property
    def high(self) -> int:
        """Largest integer in steps."""
        return (1 << (self.width - self.signed)) - 1

    def hls4ml(self) -> str:
        """The type as hls4ml's configuration spells it."""
        name = "fixed" if self.signed else "ufixed"
        return f"{name}<{self.width},{self.integer},{self.rounding.value},{self.overflow.value}>"


def covering(low: int, high: int, exponent: int, *, signed: bool | None = None) -> FixedType:
    """The narrowest type with steps of 2**exponent that holds every integer from ``low`` to ``high``.

    Such a type neither rounds nor overflows, so its modes are the free ones.

    Args:
        low: smallest value, in steps.
        high: largest value, in steps.
        exponent: power of two of a step.
        signed: force a sign bit; by default there is one where ``low`` is negative.
    """
    has_sign = low < 0 if signed is None else signed
    if low < 0 and not has_sign:
        raise ValueError("an unsigned type can't hold a negative value")
    # Two's complement of w bits reaches from -2**(w-1) to 2**(w-1) - 1: -2**k needs k bits beside the sign, not k + 1.
    width = max(max(high, 0).bit_length(), (-low - 1).bit_length() if low < 0 else 0) + has_sign
    width = max(width, 1)
    return FixedType(width, exponent + width, has_sign)
