import itertools

import numpy as np
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from quantunet_hls.rtl.components.requantize import rounded, saturated, shape_of
from quantunet_hls.types.fixed import ROUNDINGS, SATURATIONS, FixedType, cast


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
