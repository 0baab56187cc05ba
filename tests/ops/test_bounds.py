"""Bounds of real numbers, against mpmath with many more digits."""

from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.ops.qonnx.bounds import (
    Bounds,
    UnboundedError,
    error_function,
    exponential,
    logarithm,
    sigmoid,
    square_root_of_pi,
    tanh,
)

FUNCTIONS = {
    exponential: mpmath.exp, tanh: mpmath.tanh, error_function: mpmath.erf,
    sigmoid: lambda x: 1 / (1 + mpmath.exp(-x)),
}
NUMBERS = st.fractions(-12, 12, max_denominator=10**6)


def real(number: Fraction) -> mpmath.mpf:
    return mpmath.mpf(number.numerator) / number.denominator


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
@given(x=NUMBERS, digits=st.sampled_from([12, 30, 60]))
def test_the_value_lies_within_close_bounds(function, x, digits):
    with mpmath.workdps(200):
        value, found = FUNCTIONS[function](real(x)), function(x, digits)
        assert real(found.low) <= value <= real(found.high)
        assert found.high - found.low <= Fraction(10) ** (3 - digits) * max(1, abs(found.high))


@given(x=st.fractions(Fraction(1, 100), 1000, max_denominator=10**6), digits=st.sampled_from([12, 60]))
def test_logarithms(x, digits):
    with mpmath.workdps(200):
        found = logarithm(Bounds(x, x), digits)
        assert real(found.low) <= mpmath.log(real(x)) <= real(found.high)


@pytest.mark.parametrize("digits", [32, 64])
def test_a_logarithm_next_to_1_has_bounds_of_few_digits(digits):
    beyond = Fraction(1, 10**500)
    above, below = (logarithm(Bounds.of(1 + sign * beyond), digits) for sign in (1, -1))
    # ln(1 + x) lies between x / (1 + x) and x.
    assert 0 <= above.low <= beyond / (1 + beyond) <= beyond <= above.high < Fraction(10, 10**digits)
    assert -Fraction(10, 10**digits) < below.low <= -beyond / (1 - beyond) <= -beyond <= below.high <= 0


def test_what_is_rational_is_known_exactly():
    assert exponential(Fraction(0), 30) == logarithm(Bounds.of(1), 30) + Bounds.of(1) == Bounds.of(1)
    assert sigmoid(Fraction(0), 30) == Bounds.of(Fraction(1, 2))
    assert tanh(Fraction(0), 30) == error_function(Fraction(0), 30) == Bounds.of(0)


def test_far_out():
    assert error_function(Fraction(1000), 30).high <= 1
    assert 0 <= exponential(Fraction(-10**9), 30).low < exponential(Fraction(-10**9), 30).high < Fraction(1, 10**8000)
    with pytest.raises(UnboundedError):
        exponential(Fraction(10**9), 30)
    with pytest.raises(UnboundedError):
        logarithm(Bounds.of(0), 30)


@pytest.mark.parametrize("digits", [5, 30, 300])
def test_the_root_of_pi(digits):
    with mpmath.workdps(400):
        found = square_root_of_pi(digits)
        assert real(found.low) < mpmath.sqrt(mpmath.pi) < real(found.high)
        assert found.high - found.low < Fraction(10) ** -digits


@given(ends=st.lists(st.tuples(NUMBERS, NUMBERS).map(sorted), min_size=2, max_size=2), places=st.tuples(
    st.fractions(0, 1), st.fractions(0, 1)))
def test_operations_contain_all_their_results(ends, places):
    one, other = (Bounds(*end) for end in ends)
    x, y = (each.low + place * (each.high - each.low) for each, place in zip((one, other), places, strict=True))
    for found, value in ((one + other, x + y), (one - other, x - y), (one * other, x * y), (-one, -x),
                         (one.least(other), min(x, y)), (one.most(other), max(x, y))):
        assert found.low <= value <= found.high
    if other.low > 0 or other.high < 0:
        assert (one / other).low <= x / y <= (one / other).high
    else:
        with pytest.raises(UnboundedError):
            one / other
