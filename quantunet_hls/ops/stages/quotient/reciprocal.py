"""Division by a constant as a multiplication that is exact for every value that can come."""

from __future__ import annotations

__all__ = ["reciprocal"]


def reciprocal(divisor: int, gain: int, largest: int) -> tuple[int, int]:
    """The least (shift, factor) with ``x * factor >> shift == x * 2**gain // divisor`` for x from 0 to ``largest``.

    With ``error = factor * divisor - 2**(shift + gain)`` the product is too large by ``x * error / divisor`` steps
    of ``2**-shift``; a quotient's own fraction leaves room for ``1 / divisor``, so ``largest * error < 2**shift``
    is enough (Granlund and Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994).
    """
    shift = 0
    while True:
        factor = -(-(1 << (shift + gain)) // divisor)
        if largest * (factor * divisor - (1 << (shift + gain))) < 1 << shift:
            return shift, factor
        shift += 1
