"""Real numbers between two rational ones, and functions of them that are proven to lie between two others.

Rational arithmetic is exact, so a rational number stays the one number that it
is. Of an irrational one both ends come closer the more digits are asked for.

Source
    ``decimal`` rounds exp and ln correctly (General Decimal Arithmetic Specification), so
    one unit in the last place to both sides encloses them. The error function is
    ``2 / sqrt(pi) * exp(-x**2) * sum(2**n * x**(2 * n + 1) / (1 * 3 * ... * (2 * n + 1)))`` (DLMF 7.6.2), whose
    terms are all of one sign; far out it is ``1 - erfc(x)`` with ``exp(-x**2) / (4 * x) < erfc(x) < exp(-x**2)``,
    which follows from DLMF 7.8.2 and 7.8.3 for x >= 1. Pi is Machin's formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import cache

__all__ = ["Bounds", "UnboundedError", "error_function", "exponential", "logarithm", "sigmoid", "square_root_of_pi",
           "tanh"]

#: Beyond it exponentials take more digits than anyone wants: they are bounded by the one of this.
_FAR = 20_000

#: From here on the error function is so near to 1 that its distance from it is bounded instead.
_NEAR_ONE = 8


class UnboundedError(ArithmeticError):
    """A number that no bounds can be given for: it is too large, or a divisor may be 0."""


@dataclass(frozen=True)
class Bounds:
    """A number from ``low`` to ``high``, both included; it is known exactly where they are equal."""

    low: Fraction
    high: Fraction

    @classmethod
    def of(cls, number: float | int | Fraction) -> Bounds:
        """A number that is known exactly."""
        return cls(Fraction(number), Fraction(number))

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(self.low + other.low, self.high + other.high)

    def __neg__(self) -> Bounds:
        return Bounds(-self.high, -self.low)

    def __sub__(self, other: Bounds) -> Bounds:
        return self + -other

    def __mul__(self, other: Bounds) -> Bounds:
        products = [one * two for one in (self.low, self.high) for two in (other.low, other.high)]
        return Bounds(min(products), max(products))

    def __truediv__(self, other: Bounds) -> Bounds:
        if other.low <= 0 <= other.high:
            raise UnboundedError("a division by 0")
        return self * Bounds(1 / other.high, 1 / other.low)

    def least(self, other: Bounds) -> Bounds:
        """The smaller of two."""
        return Bounds(min(self.low, other.low), min(self.high, other.high))

    def most(self, other: Bounds) -> Bounds:
        """The larger of two."""
        return Bounds(max(self.low, other.low), max(self.high, other.high))

    def limited(self, low: Bounds, high: Bounds) -> Bounds:
        """It, but no less and no more than that."""
        return self.most(low).least(high)

    def rising(self, function: Callable[[Fraction], Bounds]) -> Bounds:
        """A function that never falls, of it."""
        low = function(self.low)
        return low if self.low == self.high else Bounds(low.low, function(self.high).high)


def exponential(x: Fraction, digits: int) -> Bounds:
    """``exp(x)``.

    Raises:
        UnboundedError: beyond 20,000.
    """
    if x > _FAR:
        raise UnboundedError(f"an exponential of {float(x):g}")
    if x < -_FAR:
        return Bounds(Fraction(0), exponential(Fraction(-_FAR), digits).high)
    return Bounds.of(1) if x == 0 else _enclosed(Decimal.exp, Bounds(x, x), digits)


def logarithm(x: Bounds, digits: int) -> Bounds:
    """``ln(x)`` of a number above 0."""
    if x.low <= 0:
        raise UnboundedError("a logarithm of 0")
    return Bounds.of(0) if x.low == x.high == 1 else _enclosed(Decimal.ln, x, digits)


def sigmoid(x: Fraction, digits: int) -> Bounds:
    """``1 / (1 + exp(-x))``."""
    if x > 0:
        return Bounds.of(1) - sigmoid(-x, digits)
    power = exponential(x, digits)
    return Bounds(power.low / (1 + power.low), power.high / (1 + power.high))


def tanh(x: Fraction, digits: int) -> Bounds:
    """The hyperbolic tangent."""
    return Bounds.of(2) * sigmoid(2 * x, digits) - Bounds.of(1)


def error_function(x: Fraction, digits: int) -> Bounds:
    """``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to x."""
    if x < 0:
        return -error_function(-x, digits)
    if x == 0:
        return Bounds.of(0)
    power = exponential(-x * x, digits)
    if x >= _NEAR_ONE:
        return Bounds(1 - power.high, 1 - power.low / (4 * x))
    # Terms reach exp(x**2), which takes digits of its own.
    places = 4 * digits + math.ceil(2 * x * x) + 32
    total = Bounds(_series(x, places, math.floor), _series(x, places, math.ceil))
    return Bounds.of(2) / square_root_of_pi(digits) * power * total


def _series(x: Fraction, places: int, to_whole: Callable[[Fraction], int]) -> Fraction:
    """The sum of the error function's series, every step rounded to one side at that binary place."""
    up = to_whole is math.ceil
    square = to_whole(2 * x * x * (1 << places))
    term, total, number = to_whole(x * (1 << places)), 0, 0
    while True:
        total += term
        number += 1
        product, divisor = term * square, (2 * number + 1) << places
        term = -(-product // divisor) if up else product // divisor
        # From here on each term is less than half of the one before, so all of them together are less than two.
        if term <= 1 and 2 * square < (2 * number + 3) << places:
            return Fraction(total + (2 * term + 2 if up else 0), 1 << places)


@cache
def square_root_of_pi(digits: int) -> Bounds:
    """The square root of pi."""
    places = 4 * digits + 16
    # 16 arctan(1/5) - 4 arctan(1/239), each within a few units of the last place.
    pi, error = (16 * _arctan(5, places) - 4 * _arctan(239, places)), 64 * places
    shift = 1 << places
    return Bounds(Fraction(math.isqrt((pi - error) << places), shift),
                  Fraction(math.isqrt((pi + error) << places) + 1, shift))


def _arctan(inverse: int, places: int) -> int:
    """``arctan(1 / inverse)`` in steps of ``2**-places``, within two of them for each term."""
    power, total, number = (1 << places) // inverse, 0, 0
    while power:
        total += (-1) ** number * (power // (2 * number + 1))
        power //= inverse * inverse
        number += 1
    return total


def _enclosed(function: Callable[[Decimal, Context], Decimal], x: Bounds, digits: int) -> Bounds:
    """A rising function that ``decimal`` rounds correctly."""
    ends = []
    for number, rounding in ((x.low, ROUND_FLOOR), (x.high, ROUND_CEILING)):
        context = Context(digits, rounding, MIN_EMIN, MAX_EMAX)
        result = function(context.divide(Decimal(number.numerator), Decimal(number.denominator)), context)
        beside = context.next_minus(result) if rounding == ROUND_FLOOR else context.next_plus(result)
        # The logarithm of 1 alone is 0, exactly; the number beside it has 10**18 digits.
        ends.append(Fraction(beside if result else 0))
    return Bounds(*ends)
