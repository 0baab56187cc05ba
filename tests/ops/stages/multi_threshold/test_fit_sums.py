"""Sums of two scales by thresholds: against every pair of integers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.ops.stages.multi_threshold.fit_sums import SumSteps, fit_sum_thresholds, simplest_between
from quantunet_hls.ops.stages.requantize.fit_sums import Pairs, Weighed
from quantunet_hls.ops.stages.requantize.steps import Piece, Quantizer, treads
from quantunet_hls.types.fixed import FixedType

_FACTORS = st.builds(lambda mantissa, sign: Fraction(sign * mantissa, 1 << 26), st.integers(1 << 23, (1 << 24) - 1),
                     st.sampled_from([1, -1]))
_WEIGHED = st.builds(lambda factor, low, high: Weighed(factor, -low, high, 0), _FACTORS, st.integers(0, 25),
                     st.integers(0, 25))


def steps(one, other, quantizer, sign=1, offset=Fraction(0)):
    """The steps of a channel whose sums are turned round, or shifted, before they are quantized."""
    pairs = Pairs(one, other)
    pieces = (Piece(pairs.first, sign * pairs.step, offset),)
    found = treads(pieces, pairs.last, quantizer)
    return SumSteps(pairs, found, pairs.asked(found, [pieces[0].factor / quantizer.scale]))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(_WEIGHED, _WEIGHED, st.sampled_from([1, -1]), _FACTORS), min_size=1, max_size=2),
       st.builds(lambda scale, zero, even: Quantizer(abs(scale), zero, -8, 7, even), _FACTORS, st.integers(-2, 2),
                 st.booleans()))
def test_every_pair_has_the_level_of_its_sum(channels, quantizer):
    found = fit_sum_thresholds([steps(one, other, quantizer, sign, offset) for one, other, sign, offset in channels],
                               range(len(channels)), 0)
    assert found is not None
    left, right, levels = found
    source = FixedType(50)
    for channel, (one, other, sign, offset) in enumerate(channels):
        pairs = np.stack(np.meshgrid(*(np.arange(each.low, each.high + 1) for each in (one, other))), -1).reshape(-1, 2)
        codes = [np.tile(column[:, None], (1, len(channels))) for column in pairs.T]
        sums = left.apply(codes[0], source) + right.apply(codes[1], source)
        exact = [quantizer.level(sign * (one.factor * int(x) + other.factor * int(y)) + offset) for x, y in pairs]
        assert levels.apply(sums, FixedType(60))[:, channel].tolist() == exact


@given(st.fractions(0, 5, max_denominator=40), st.fractions(0, 5, max_denominator=40))
def test_the_simplest_fraction_between_two(one, other):
    low, high = sorted((one, other))
    if low == high:
        return
    found = simplest_between(low, high)
    assert low < found < high
    for denominator in range(1, found.denominator):
        assert low.numerator * denominator // low.denominator + 1 >= high * denominator


@pytest.mark.parametrize("bits", [19, 22])
def test_weights_take_few_more_bits_than_accumulators(bits):
    """Levels of 8 bits of two accumulators."""
    one, other = (Weighed(Fraction(mantissa, 1 << bits + 18), -(1 << bits - 1), (1 << bits - 1) - 1, 0)
                  for mantissa in (11863283, 15485863))
    channel = steps(one, other, Quantizer(Fraction(9699713, 1 << 28), 0, -128, 127))
    assert max(channel.weights()).bit_length() <= bits + 4
    assert fit_sum_thresholds([channel], [0], 0) is not None


def test_ties_that_go_up_and_down_have_thresholds():
    # Steps of 1/2 and of 3/4: some sums lie right between two levels.
    one, other = Weighed(Fraction(1, 2), -10, 10, 0), Weighed(Fraction(3, 4), -10, 10, 0)
    left, right, levels = fit_sum_thresholds([steps(one, other, Quantizer(Fraction(1), 0, -8, 7))], [0], 0)
    for x in range(-10, 11):
        for y in range(-10, 11):
            total = left.apply(np.array([x]), FixedType(8)) + right.apply(np.array([y]), FixedType(8))
            assert levels.apply(total, FixedType(20)) == min(max(round(Fraction(2 * x + 3 * y, 4)), -8), 7)
