import itertools

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import requantize, rounded, saturated, shape_of
from quantunet_hls.ops.stages.base import apply_stages
from quantunet_hls.ops.stages.quotient.reciprocal import reciprocal
from quantunet_hls.ops.stages.quotient.stage import Quotient
from quantunet_hls.ops.stages.sigmoid.stage import Sigmoid
from quantunet_hls.ops.stages.threshold.stage import Threshold
from quantunet_hls.types.fixed import ROUNDINGS, SATURATIONS, FixedType, cast


@pytest.mark.parametrize("divisor", [3, 5, 6, 7, 9, 12, 25, 49])
def test_a_reciprocal_is_exact_for_every_value(divisor):
    for gain, largest in itertools.product((0, 3, 8), (1, divisor - 1, 1000, 60_000)):
        shift, factor = reciprocal(divisor, gain, largest)
        values = np.arange(largest + 1)
        assert factor.bit_length() + largest.bit_length() < 63
        assert (values * factor >> shift == (values << gain) // divisor).all()


def test_tables_quotients_and_thresholds_equal_the_reference_for_every_code():
    table = Sigmoid(FixedType(9, 8), tuple(np.random.default_rng(0).integers(-256, 256, 96)))
    cases = itertools.product(
        (FixedType(8, 5), FixedType(7, 2, False), FixedType(6, -1), FixedType(8, 2)),
        (table, Quotient(FixedType(15, 9), 9), Quotient(FixedType(16, 7), 6), Threshold(5, 3), Threshold(-7, 1)))
    for source, stage in cases:
        codes = np.arange(source.low, source.high + 1)
        m = Module()
        code = Signal(shape_of(source))
        pipeline = Pipeline(m, valid=1)
        (value,) = requantize(pipeline, [code], source, (stage,))
        result = Signal(shape_of(stage.type))
        m.d.comb += result.eq(value)
        seen = []

        async def testbench(ctx, code=code, codes=codes, result=result, seen=seen, delay=pipeline.stages):
            for index in range(len(codes) + delay):
                ctx.set(code, int(codes[min(index, len(codes) - 1)]))
                await ctx.tick()
                if index >= delay - 1:
                    seen.append(ctx.get(result))

        simulator = Simulator(m)
        simulator.add_clock(1e-6)
        simulator.add_testbench(testbench)
        simulator.run()
        assert (np.array(seen[: len(codes)]) == apply_stages(codes, source, (stage,))).all(), (str(source), stage)


def test_rounding_and_saturation_equal_the_reference_in_every_mode():
    for source, shape in itertools.product((FixedType(8, 5), FixedType(8, 5, False)),
                                           ((5, 3, True), (4, 2, False), (9, 6, True), (3, -4, True))):
        targets = [FixedType(*shape, rounding, saturation)
                   for rounding, saturation in itertools.product(ROUNDINGS, SATURATIONS)]
        m = Module()
        code = Signal(shape_of(source))
        results = [Signal(shape_of(target), name=f"result_{n}") for n, target in enumerate(targets)]
        for target, result in zip(targets, results, strict=True):
            value = rounded(code, source.fraction - target.fraction, target.rounding)
            m.d.comb += result.eq(saturated(value, target))
        codes = np.arange(source.low, source.high + 1)
        seen = []

        async def testbench(ctx, code=code, codes=codes, results=results, seen=seen):
            for value in codes:
                ctx.set(code, int(value))
                await ctx.delay(1e-9)
                seen.append([ctx.get(result) for result in results])

        simulator = Simulator(m)
        simulator.add_testbench(testbench)
        simulator.run()
        columns = np.array(seen).T
        for target, column in zip(targets, columns, strict=True):
            assert (column == cast(codes, source, target)).all(), (str(source), str(target))
