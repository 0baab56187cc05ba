"""Thresholds against the exact step function, and against the multiplication that they replace."""

from fractions import Fraction

import numpy as np
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import requantize, shape_of
from quantunet_hls.ops.stages.multi_threshold.fit import thresholds_of_treads
from quantunet_hls.ops.stages.multi_threshold.search import search_of
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.ops.stages.requantize.layer_fit import fit_layer
from quantunet_hls.ops.stages.requantize.layer_fit import steps_of as layer_steps
from quantunet_hls.ops.stages.requantize.search import thresholds_of_requantizer
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.stages.requantize.steps import Piece, Quantizer, bent, treads
from quantunet_hls.types.fixed import FixedType, covering

_SLOPES = st.builds(Fraction, st.integers(-40, 40), st.sampled_from([3, 6, 7, 16]))
_QUANTIZERS = st.builds(lambda zero, bits, signed, even: Quantizer(
    Fraction(5), zero, -(1 << bits - 1) if signed else 0, (1 << bits - signed) - 1, even),
    st.integers(-2, 3), st.integers(1, 6), st.booleans(), st.booleans())


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(_SLOPES, _SLOPES, st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=3),
       _QUANTIZERS)
def test_every_integer_has_the_level_of_its_value(channels, quantizer):
    pieces = [bent((Piece(-below, slope, offset * 9),), above, Fraction(0)) for slope, offset, below, above in channels]
    stage = thresholds_of_treads([treads(each, above, quantizer)
                                  for each, (*_, above) in zip(pieces, channels, strict=True)])
    assert stage is not None
    for channel, (slope, offset, below, above) in enumerate(channels):
        codes = np.tile(np.arange(-below, above + 1)[:, None], (1, len(channels)))
        exact = [quantizer.level(max(slope * x + offset * 9, Fraction(0))) for x in range(-below, above + 1)]
        assert stage.apply(codes, FixedType(12))[:, channel].tolist() == exact


def test_levels_that_rise_and_fall_have_no_thresholds():
    quantizer = Quantizer(Fraction(1), 0, 0, 15)
    pieces = bent((Piece(-10, Fraction(1), Fraction(0)),), 10, Fraction(-1))
    assert thresholds_of_treads([treads(pieces, 10, quantizer)]) is None


def test_more_than_255_thresholds_are_too_many():
    wide = Quantizer(Fraction(1), 0, 0, 256)
    assert thresholds_of_treads([treads((Piece(0, Fraction(1), Fraction(0)),), 300, wide)]) is None


def test_ties_that_no_multiplication_has():
    # 1/6 a step: ties of 1/2 go down, those of 3/2 up.
    quantizer = Quantizer(Fraction(1), 0, 0, 15)
    steps = layer_steps((Piece(0, Fraction(1, 6), Fraction(0)),), 60, quantizer)
    assert fit_layer([steps]) is None
    stage = thresholds_of_treads([steps.treads])
    assert stage.apply(np.arange(61), FixedType(8)).tolist() == [round(Fraction(x, 6)) for x in range(61)]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_multiplication_has_the_same_levels_as_its_thresholds(data):
    number, count = st.integers(-300, 300), data.draw(st.integers(1, 2))
    rows = st.lists(number, min_size=2, max_size=2).map(tuple)
    stage = Requantize(FixedType(5), data.draw(st.integers(-9, 0)), data.draw(st.integers(0, 9)),
                       data.draw(st.integers(0, 9)), tuple(data.draw(rows) for _ in range(count)),
                       tuple(data.draw(rows) for _ in range(count)),
                       tuple(data.draw(rows)) if count == 2 else (), 0, data.draw(st.booleans()))
    source = FixedType(data.draw(st.integers(2, 9)), data.draw(st.integers(-1, 2)), data.draw(st.booleans()))
    codes = np.tile(np.arange(source.low, source.high + 1)[:, None], (1, 2))
    levels = stage.apply(codes, source)
    found = thresholds_of_requantizer(stage, source)
    if found is None:
        steps = np.diff(levels, axis=0)
        assert count == 2
        assert any(each.min() < 0 < each.max() for each in steps.T)
    else:
        assert np.array_equal(found.apply(codes, source), levels)


def simulated(stage: MultiThreshold, source: FixedType, codes: np.ndarray, lanes: int) -> np.ndarray:
    """Levels of codes (beats, lanes) from the hardware."""
    m = Module()
    given_codes = [Signal(shape_of(source), name=f"code{lane}") for lane in range(lanes)]
    valid = Signal(init=1)
    pipeline = Pipeline(m, valid=valid, last=1)
    values = requantize(pipeline, given_codes, source, (stage,))
    seen: list[list[int]] = []

    async def testbench(ctx):
        for index in range(len(codes) + pipeline.stages):
            for signal, code in zip(given_codes, codes[min(index, len(codes) - 1)], strict=True):
                ctx.set(signal, int(code))
            await ctx.tick()
            if index >= pipeline.stages - 1:
                seen.append([ctx.get(value) for value in values])

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return np.array(seen[: len(codes)])


def test_the_hardware_has_the_levels_of_the_stage():
    rng = np.random.default_rng(0)
    clipped = 0
    for channels, lanes, bits, low, width in ((1, 2, 3, 0, 9), (6, 2, 4, -8, 12), (4, 1, 1, 0, 8), (40, 1, 2, -1, 18),
                                              (3, 3, 4, 0, 20), (4, 2, 6, -3, 9)):
        source = FixedType(width, 1)
        rows = np.sort(rng.integers(-130, 131, (channels, (1 << bits) - 1)), axis=1)
        # One that every value reaches, and one that none does.
        rows[0, 0], rows[-1, -1] = source.low, source.high + 1
        stage = MultiThreshold(covering(low, low + (1 << bits) - 1), low, tuple(map(tuple, rows.tolist())),
                               tuple(map(bool, rng.integers(0, 2, channels))), 1)
        clipped += search_of(stage, source).clipped
        codes = rng.integers(-160, 161, (120, max(channels, lanes)))
        codes[:3] = [[source.low], [source.high], [0]]
        codes = np.clip(codes, source.low, source.high)
        expected = stage.apply(codes, source)
        assert np.array_equal(simulated(stage, source, codes.reshape(-1, lanes), lanes), expected.reshape(-1, lanes))
    # Sums of 12, 18 and 20 bits, whose thresholds take 9.
    assert clipped == 3
