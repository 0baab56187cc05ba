"""Fitted factors, offsets and shifts, against the exact step function of every single integer."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.ops.stages.requantize.fit import Demands
from quantunet_hls.ops.stages.requantize.layer_fit import fit_layer, steps_of
from quantunet_hls.ops.stages.requantize.steps import Piece, Quantizer, affine, bent
from quantunet_hls.types.fixed import FixedType

LEVELS = {1: (0, 1), 2: (-2, 1), 3: (-3, 3), 4: (0, 15), 6: (-32, 31), 8: (0, 255)}


def real(random: np.random.Generator, low: float, high: float) -> Fraction:
    """A number as a file holds it."""
    return Fraction(float(np.float32(random.uniform(low, high))))


def random_layer(random: np.random.Generator, bits: int, kind: str, channels: int):
    """Pieces and ranges of some channels, and the quantizer behind them all."""
    quantizer = Quantizer(real(random, 0.01, 0.2), int(random.choice([0, 0, 3])), *LEVELS[bits],
                          bool(random.integers(5)))
    layer = []
    for _ in range(channels):
        low, high = -int(random.integers(1, 9000)), int(random.integers(1, 9000))
        factor = real(random, 0.001, 1) * quantizer.scale * 2**bits / 4000
        pieces = (Piece(low, factor, real(random, -1, 1)),)
        if "normalized" in kind:
            pieces = affine(pieces, real(random, -2, 2), real(random, -0.5, 0.5))
        if "slope" in kind:
            pieces = bent(pieces, high, real(random, -0.5, 1.5))
        if "relu" in kind:
            pieces = bent(pieces, high, Fraction(0))
        layer.append((pieces, low, high))
    return quantizer, layer


def levels_of(stage, channel: int, low: int, high: int) -> np.ndarray:
    channels = max(stage.channels, channel + 1)
    codes = np.tile(np.arange(low, high + 1)[:, None], (1, channels))
    return stage.apply(codes, FixedType(16))[:, channel]


@pytest.mark.parametrize("kind", ["plain", "relu", "normalized relu", "slope", "normalized slope", "slope relu"])
@pytest.mark.parametrize("bits", LEVELS)
def test_a_fit_has_the_level_of_every_integer(kind, bits):
    random = np.random.default_rng(bits)
    for channels in (1, 5):
        quantizer, layer = random_layer(random, bits, kind, channels)
        stage = fit_layer([steps_of(pieces, high, quantizer) for pieces, _, high in layer])
        assert stage is not None
        for channel, (pieces, low, high) in enumerate(layer):
            exact = [quantizer.level(piece.at(x)) for piece, end in zip(
                pieces, [piece.first - 1 for piece in pieces[1:]] + [high], strict=True)
                for x in range(piece.first, end + 1)]
            assert np.array_equal(levels_of(stage, channel, low, high), exact)


def test_a_power_of_two_without_ties_is_a_shift():
    pieces = (Piece(-100, Fraction(1, 8), Fraction(1, 16)),)
    stage = fit_layer([steps_of(pieces, 100, Quantizer(Fraction(1), 0, -8, 7))])
    assert stage is not None
    assert (stage.factors, stage.shift) == (((1,),), 3)


def test_both_ends_of_the_range_count():
    # Between 0 and 9 there is no threshold but that of level 3: with nothing asked at the ends the slope were free.
    pieces = (Piece(0, Fraction(1, 10), Fraction(2)),)
    stage = fit_layer([steps_of(pieces, 9, Quantizer(Fraction(1), 0, 0, 15))])
    assert stage is not None
    assert levels_of(stage, 0, 0, 9).tolist() == [2] * 6 + [3] * 4


def test_ties_go_to_even_where_the_line_is_held_itself():
    # 1/2, 3/2, 5/2: down, up, down. Steps of 3 and 1 integers in turn lie on no line that is rounded down.
    quantizer = Quantizer(Fraction(1), 0, 0, 15)
    pieces = bent((Piece(-20, Fraction(1, 2), Fraction(0)),), 30, Fraction(-1, 4))
    stage = fit_layer([steps_of(pieces, 30, quantizer)])
    assert stage is not None
    assert stage.half_even
    assert levels_of(stage, 0, -20, 30).tolist() == [
        quantizer.level(Fraction(x, 2) if x > 0 else Fraction(-x, 8)) for x in range(-20, 31)]


def test_ties_that_no_multiple_of_a_power_of_two_has_are_told():
    pieces = (Piece(0, Fraction(1, 6), Fraction(0)),)
    assert fit_layer([steps_of(pieces, 60, Quantizer(Fraction(1), 0, 0, 15))]) is None


def test_channels_that_agree_share_their_numbers():
    steps = steps_of((Piece(-50, Fraction(1, 7), Fraction(0)),), 50, Quantizer(Fraction(1), 0, -8, 7))
    stage = fit_layer([steps] * 12)
    assert stage is not None
    assert stage.channels == 1


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 90), st.integers(-200, 200), st.integers(0, 40), st.integers(1, 40), st.integers(0, 6),
       st.integers(1, 6))
def test_all_factors_and_offsets_are_found_that_treads_allow(slope, start, below, above, shift, bits):
    quantizer = Quantizer(Fraction(37), 0, -2, (1 << bits) - 1)
    line = (Fraction(slope) / quantizer.scale, Fraction(start) / quantizer.scale)
    steps = steps_of((Piece(-below, Fraction(slope), Fraction(start)),), above, quantizer)
    low, high = steps.treads[0].level, steps.treads[-1].level
    if low == high:
        return
    found = Demands(steps.treads, line, low, high).fitted(shift)
    levels = {x: tread.level for tread in steps.treads for x in range(tread.first, tread.last + 1)}
    middle = round(line[0] * (1 << shift))
    allowed = {(factor, offset) for factor in range(middle - 3, middle + 4)
               for offset in range(-600 * 2 ** shift // 37 - 200, 600 * 2 ** shift // 37 + 200)
               if all(min(max(factor * x + offset >> shift, low), high) == level for x, level in levels.items())}
    if found is None:
        assert not allowed
    else:
        mine = {(int(factor), offset)
                for factor, least, most in zip(found.factors, found.least, found.most, strict=True)
                for offset in range(int(least), int(most) + 1)}
        assert allowed <= mine
        assert all(min(max(factor * x + offset >> shift, low), high) == level for factor, offset in list(mine)[:50]
                   for x, level in levels.items())
