"""Step functions of lines and quantizers, against the rounding of every single value."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.custom_op.general.intquant import int_quant

from quantunet_hls.ops.stages.requantize.steps import Piece, Quantizer, affine, bent, nearest_threshold, treads

#: Many of them make ties: halves, thirds of halves.
NUMBERS = st.builds(Fraction, st.integers(-60, 60), st.sampled_from([1, 2, 3, 4, 6, 8, 16]))
SCALES = st.builds(Fraction, st.integers(1, 12), st.sampled_from([1, 2, 3, 8]))
LEVELS = st.sampled_from([(0, 1), (0, 15), (-8, 7), (-7, 7), (0, 255), (-1, 1)])
QUANTIZERS = st.builds(lambda scale, zero, levels, even: Quantizer(scale, zero, *levels, even),
                       SCALES, st.integers(-3, 12), LEVELS, st.booleans())


def values(low: int, high: int, factor: Fraction, offset: Fraction, slope: Fraction, gain: Fraction, shift: Fraction):
    """What comes of the integers: a line, a leaky ReLU, another line."""
    for x in range(low, high + 1):
        value = factor * x + offset
        yield gain * (value if value >= 0 else slope * value) + shift


@settings(deadline=None, max_examples=300)
@given(st.integers(-40, 0), st.integers(1, 40), NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, QUANTIZERS)
def test_every_integer_stands_on_the_tread_of_its_own_value(low, high, factor, offset, slope, gain, shift, quantizer):
    pieces = affine(bent((Piece(low, factor, offset),), high, slope), gain, shift)
    found = treads(pieces, high, quantizer)
    assert [found[0].first, found[-1].last] == [low, high]
    assert all(one.last + 1 == other.first for one, other in pairwise(found))
    levels = [tread.level for tread in found for _ in range(tread.first, tread.last + 1)]
    assert levels == [quantizer.level(value) for value in values(low, high, factor, offset, slope, gain, shift)]


@given(st.integers(-400, 400), st.integers(-3, 3), st.sampled_from(["ROUND", "FLOOR"]))
def test_a_level_is_that_of_qonnx(eighths, zero, rounding):
    quantizer = Quantizer(Fraction(1, 2), zero, -8, 7, rounding == "ROUND")
    value = int_quant(*map(np.float64, (eighths / 8, 0.5, zero, 4)), True, False, rounding)
    assert quantizer.level(Fraction(eighths, 8)) * 0.5 == value


@given(st.integers(-200, 200), QUANTIZERS, QUANTIZERS, st.integers(-3, 12))
def test_one_with_another_of_its_scale_behind_is_one_quantizer(sixteenths, first, other, zero):
    second = Quantizer(first.scale, zero, other.low, other.high, other.half_even)
    value = Fraction(sixteenths, 16) * first.scale
    assert first.limited(second).level(value) == second.level(first.level(value) * first.scale)


def test_a_tie_is_no_distance_and_a_quarter_of_a_step_is_a_quarter():
    quantizer = Quantizer(Fraction(1), 0, 0, 3)
    assert nearest_threshold((Piece(0, Fraction(1, 2), Fraction(0)),), 5, quantizer) == 0
    assert nearest_threshold((Piece(0, Fraction(1, 2), Fraction(1, 4)),), 5, quantizer) == Fraction(1, 4)
    # All of them far beyond the only threshold that there is.
    assert nearest_threshold((Piece(5, Fraction(1), Fraction(0)),), 9, Quantizer(Fraction(1), 0, 0, 1)) is None
