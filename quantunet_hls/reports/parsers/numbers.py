"""Numbers in reports that other programs wrote."""

from __future__ import annotations

import math
import re

from quantunet_hls.core.errors import StepError

__all__ = ["LARGEST", "count", "number", "period"]

#: No count, clock or rate of a design comes near it, and a float holds every integer up to it.
LARGEST = 10**15

#: Periods of clocks lie between.
FASTEST_NS, SLOWEST_NS = 1e-3, 1e9

_INTEGER = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?|-?[0-9]+\.")


def number(value: object, where: str) -> int | float | None:
    """The finite number that a text or a JSON value is; None for "undef", "-", "?", "~0", null and all that is none.

    Args:
        value: as the report has it.
        where: what to call its place in an error.

    Raises:
        StepError: a number that no design can have.
    """
    if isinstance(value, str):
        value = _parsed(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    # An integer may be too large for a float, so it is compared before anything is computed with it.
    if abs(value) > LARGEST:
        raise StepError(f"{where} is beyond {LARGEST:.0e}, which no design has; write the report anew.")
    return value


def count(value: object, where: str) -> int | float | None:
    """The number of at least 0 that a text or a JSON value is, an int where it is whole; None where it is none.

    Raises:
        StepError: a number that no design can have.
    """
    found = number(value, where)
    if found is None or found < 0:
        return None
    return int(found) if found == int(found) else found


def period(value: object, where: str) -> float | None:
    """The period of a clock in ns that a text or a JSON value is; None for 0 and for what is none.

    Raises:
        StepError: a period that no clock can have.
    """
    found = number(value, where)
    if not found or found < 0:
        return None
    if not FASTEST_NS <= found <= SLOWEST_NS:
        raise StepError(f"{where} is a clock of {found:g} ns, which no design has; write the report anew.")
    return found


def _parsed(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        # Python reads no integer of thousands of digits; the first ones tell that it is too large.
        return int(text[:40])
    return float(text) if _DECIMAL.fullmatch(text) else None
