"""Sums of two scales against the levels of every pair."""

from fractions import Fraction

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quantunet_hls.ops.qonnx.values import Bend, Chain, Line, pieces_of, scaled
from quantunet_hls.ops.stages.requantize.fit_sums import Asked, Pairs, Weighed, fit_sums
from quantunet_hls.ops.stages.requantize.steps import Quantizer, treads
from quantunet_hls.types.fixed import FixedType

_FACTORS = st.builds(Fraction, st.integers(-40, 40), st.sampled_from([1, 2, 3, 8, 37]))
_OPERANDS = st.builds(lambda factor, low, size: Weighed(factor, low, low + size, 0), _FACTORS,
                      st.integers(-12, 6), st.integers(0, 20))
_QUANTIZERS = st.builds(lambda scale, zero, bits, even: Quantizer(scale, zero, 0, (1 << bits) - 1, even),
                        st.builds(Fraction, st.integers(1, 60), st.sampled_from([1, 2, 7])), st.integers(0, 3),
                        st.integers(1, 5), st.booleans())


def asked(one: Weighed, other: Weighed, chain: Chain, quantizer: Quantizer) -> Asked | None:
    pairs = Pairs(one, other)
    pieces = pieces_of(chain, pairs.first, pairs.last, pairs.step)
    return pairs.asked(treads(pieces, pairs.last, quantizer), [piece.factor / quantizer.scale for piece in pieces])


def levels(one: Weighed, other: Weighed, chain: Chain, quantizer: Quantizer) -> list[int]:
    return [quantizer.level(chain.value(one.factor * a + other.factor * b))
            for a in range(one.low, one.high + 1) for b in range(other.low, other.high + 1)]


def computed(stages, one: Weighed, other: Weighed, channel: int = 0) -> list[int]:
    weighed = [stage.apply(np.arange(each.low, each.high + 1)[:, None], FixedType(32, 0, True))[:, channel]
               for stage, each in zip(stages, (one, other), strict=False)]
    sums = np.add.outer(*weighed).reshape(-1, 1)
    return stages[2].apply(sums, FixedType(62, 0, True))[:, channel].tolist()


@settings(max_examples=250, deadline=None)
@given(_OPERANDS, _OPERANDS, _FACTORS, st.builds(Fraction, st.integers(-90, 90), st.sampled_from([1, 2, 11])),
       st.sampled_from([None, Fraction(0), Fraction(1, 4), Fraction(-1, 3)]), _QUANTIZERS)
def test_every_pair_has_its_level(one, other, factor, offset, below, quantizer):
    chain = scaled(factor, offset)
    chain = chain if below is None else chain.then(Bend(below))
    found = asked(one, other, chain, quantizer)
    stages = None if found is None else fit_sums([found], [0], 0)
    assume(stages is not None)
    assert computed(stages, one, other) == levels(one, other, chain, quantizer)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_OPERANDS, _OPERANDS, st.builds(Fraction, st.integers(-90, 90), st.just(11))), min_size=2,
                max_size=3), _FACTORS, _QUANTIZERS)
def test_channels_that_share_their_limits(channels, factor, quantizer):
    """Products are cut where all channels allow it, though each has levels and ranges of its own."""
    chains = [scaled(factor, offset) for *_, offset in channels]
    found = [asked(one, other, chain, quantizer) for (one, other, _), chain in zip(channels, chains, strict=True)]
    stages = fit_sums(found, range(len(channels)), 0)
    assume(stages is not None)
    for channel, ((one, other, _), chain) in enumerate(zip(channels, chains, strict=True)):
        assert computed(stages, one, other, channel) == levels(one, other, chain, quantizer)


def test_products_are_cut_where_one_operand_alone_saturates():
    one, other = Weighed(Fraction(3), -100, 100, 0), Weighed(Fraction(-2), -100, 4, 0)
    chain, quantizer = scaled(Fraction(1)), Quantizer(Fraction(5), 0, -2, 2)
    stages = fit_sums([asked(one, other, chain, quantizer)], [0], 0)
    assert stages is not None
    # From 6 on the first operand makes the highest level alone: 3 * 6 - 2 * 4 > 7.5.
    assert stages[0].high < 100 * stages[0].factors[0][0]
    assert computed(stages, one, other) == levels(one, other, chain, quantizer)


def brute_interval(one: Weighed, other: Weighed, factors, shift: int, wanted: list[int]) -> tuple[int, int]:
    """Least and greatest B, of all pairs, with clipping to the levels that come."""
    low, high = min(wanted), max(wanted)
    sums = [factors[0] * a + factors[1] * b for a in range(one.low, one.high + 1)
            for b in range(other.low, other.high + 1)]
    return (max((level << shift) - number for number, level in zip(sums, wanted, strict=True) if level > low),
            min((level + 1 << shift) - 1 - number for number, level in zip(sums, wanted, strict=True) if level < high))


@settings(max_examples=150, deadline=None)
@given(_OPERANDS, _OPERANDS, st.builds(Fraction, st.integers(-90, 90), st.just(11)), _QUANTIZERS,
       st.integers(2, 20))
def test_the_interval_of_offsets_is_that_of_all_pairs(one, other, offset, quantizer, shift):
    chain = scaled(Fraction(1), offset)
    wanted = levels(one, other, chain, quantizer)
    assume(min(wanted) < max(wanted))
    found = asked(one, other, chain, quantizer)
    low, high = found.levels
    assert (low, high) == (min(wanted), max(wanted))
    weights = found.clipped(low, high).fitted(shift, low, high)
    assume(weights is not None)
    assert (weights.least, weights.most) == brute_interval(one, other, weights.factors, shift, wanted)


def test_levels_that_rise_and_fall_are_no_sum():
    chain = Chain((Line(Fraction(1)), Bend(Fraction(-1))))
    assert asked(Weighed(Fraction(1), -8, 8, 0), Weighed(Fraction(1, 3), -8, 8, 0), chain,
                 Quantizer(Fraction(1), 0, 0, 15)) is None


def test_a_wide_accumulator_and_a_skip():
    """2**27 pairs: those next to a threshold have their levels, and so have drawn ones."""
    one = Weighed(Fraction(float(np.float32(0.0123))), -1 << 18, (1 << 18) - 1, 0)
    other = Weighed(Fraction(float(np.float32(-7.77))), 0, 255, 0)
    chain, quantizer = scaled(Fraction(1), Fraction(1, 3)), Quantizer(Fraction(float(np.float32(13.3))), 0, -128, 127)
    stages = fit_sums([asked(one, other, chain, quantizer)], [0], 0)
    assert stages is not None
    rng = np.random.default_rng(0)
    b = rng.integers(0, 256, 300)
    a = rng.integers(one.low, one.high + 1, 300)
    # Beside the thresholds: where the exact value is half a step off a level.
    edge = [int((quantizer.scale * Fraction(2 * int(level) + 1, 2) - Fraction(1, 3) - other.factor * int(y))
                / one.factor) for level, y in zip(rng.integers(-128, 127, 300), b, strict=True)]
    for x, y in [*zip(a.tolist(), b.tolist(), strict=True),
                 *((x + beside, y) for x, y in zip(edge, b.tolist(), strict=True) for beside in (-1, 0, 1, 2))]:
        if one.low <= x <= one.high:
            point = (Weighed(one.factor, x, x, 0), Weighed(other.factor, y, y, 0))
            assert computed(stages, *point) == levels(*point, chain, quantizer)
