"""Which bits a requantizer multiplies, and its hardware at products that are cut or clipped."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import requantize, shape_of
from quantunet_hls.ops.stages.requantize.product import Product, product_of
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.types.fixed import FixedType


@pytest.mark.parametrize(("value", "factor", "cut", "blocks"), [
    (22, 18, None, 1), (22, 25, None, 2), (18, 27, None, 1), (22, 28, "factor", 2), (22, 31, "factor", 2),
    (25, 35, "factor", 2), (30, 22, "value", 2), (22, 36, None, 4), (26, 28, None, 4), (18, 31, None, 2)])
def test_the_operand_that_is_cut_and_the_blocks_that_are_left(value, factor, cut, blocks):
    product = Product(value, factor)
    assert (product.cut, product.blocks()) == (cut, blocks)


def test_blocks_of_narrower_ports():
    # A DSP48E1 has 25 x 18: cut all the same, and a part that its wide port holds takes one.
    assert Product(22, 28).blocks(25, 18) == 2
    assert Product(22, 28).blocks(18, 18) == 4


@st.composite
def wide_stages(draw):
    """Two channels of a line or two, of sums so wide that clipping them may save a block."""
    source = FixedType(draw(st.integers(19, 24)), 0, draw(st.booleans()))
    number = st.integers(1 << 17, (1 << 22) - 1)
    sign, lines = draw(st.sampled_from([1, -1])), draw(st.integers(1, 2))
    factors = tuple(tuple(sign * draw(number) for _ in range(2)) for _ in range(lines))
    offsets = tuple(tuple(draw(st.integers(-1 << 30, 1 << 30)) for _ in range(2)) for _ in range(lines))
    splits = tuple(draw(st.integers(-1 << 18, 1 << 18)) for _ in range(2)) if lines == 2 else ()
    low, high = draw(st.integers(-8, 0)), draw(st.integers(0, 63))
    return Requantize(FixedType(8, 0, True), low, high, draw(st.integers(20, 34)), factors, offsets, splits, 0,
                      draw(st.booleans())), source


@settings(deadline=None, max_examples=150)
@given(wide_stages(), st.lists(st.integers(-1 << 24, 1 << 24), max_size=30))
def test_clipped_values_have_the_levels_of_all(drawn, codes):
    stage, source = drawn
    product = product_of(stage, source)
    if not product.clipped:
        return
    low, high = -1 << product.value_bits - 1, (1 << product.value_bits - 1) - 1
    codes = np.clip([*codes, source.low, source.high, low - 1, high + 1], source.low, source.high)[:, None]
    # On the line that the value itself is on.
    splits = np.array(stage.splits or (source.low,))
    lines = [Requantize(stage.type, stage.low, stage.high, stage.shift, (factors,), (offsets,), (), 0, stage.half_even)
             .apply(np.clip(codes, low, high), source)
             for factors, offsets in zip(stage.factors, stage.offsets, strict=True)]
    clipped = lines[0] if len(lines) == 1 else np.where(codes < splits, *lines)
    assert np.array_equal(clipped, stage.apply(codes, source))


def test_values_are_clipped_where_that_saves_a_block_and_no_level():
    steep = Requantize(FixedType(6, 0, False), 0, 63, 26, ((1 << 20, 900_000),), ((0, 5),))
    assert product_of(steep, FixedType(22)) == Product(18, 22, clipped=True)
    # One channel is not saturated at the end of 18 bits.
    flat = Requantize(FixedType(6, 0, False), 0, 63, 26, ((1 << 20, 30_000),), ((0, 5),))
    assert not product_of(flat, FixedType(22)).clipped


def simulated(stage: Requantize, source: FixedType, codes: np.ndarray) -> list[int]:
    """Levels of codes (beats, 1), channel after channel."""
    m = Module()
    code, valid = Signal(shape_of(source)), Signal(init=1)
    pipeline = Pipeline(m, valid=valid, last=1)
    (value,) = requantize(pipeline, [code], source, (stage,))
    seen: list[int] = []

    async def testbench(ctx):
        for index in range(len(codes) + pipeline.stages):
            ctx.set(code, int(codes[min(index, len(codes) - 1)]))
            await ctx.tick()
            if index >= pipeline.stages - 1:
                seen.append(ctx.get(value))

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return seen[: len(codes)]


@pytest.mark.parametrize("half_even", [False, True])
@pytest.mark.parametrize(("source", "factors", "shift", "zeros", "what"), [
    (FixedType(22), ((200_000_001, -150_000_003),), 41, 20, "factor"),
    (FixedType(22), ((200_000_001, -150_000_003), (50_000_000, 170_000_000)), 41, 3, "factor"),
    (FixedType(21, 0, False), ((2_000_000_000, 1_234_567_891),), 46, 0, "factor"),
    (FixedType(30), ((300_001, -250_000),), 42, 9, "value"),
    (FixedType(22), ((1 << 20, 900_001),), 26, 4, "clipped"),
    (FixedType(22), ((1 << 20, -900_001), (800_000, -1_000_000)), 26, 4, "clipped"),
])
def test_the_hardware_has_the_levels_of_the_stage(source, factors, shift, zeros, what, half_even):
    rng = np.random.default_rng(shift)
    offsets = tuple(tuple(int(number) << zeros for number in rng.integers(-1 << 20, 1 << 20, 2)) for _ in factors)
    stage = Requantize(FixedType(8, 0, True), -100, 120, shift, factors, offsets,
                       (-1234, 777) if len(factors) > 1 else (), 0, half_even)
    product = product_of(stage, source)
    assert (product.cut or ("clipped" if product.clipped else None)) == what
    codes = rng.integers(source.low, source.high + 1, 60)
    near = np.clip(rng.integers(-8192, 8192, 60), source.low, source.high)
    codes = np.concatenate([codes, near, np.clip([source.low, source.high, -1 << 17, (1 << 17) - 1, 1 << 17, -777],
                                                 source.low, source.high)])
    expected = stage.apply(codes.reshape(-1, 2), source).reshape(-1)
    assert simulated(stage, source, codes) == expected.tolist()
