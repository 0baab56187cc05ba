from dataclasses import replace

import pytest

from quantunet_hls.boards import Resources
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.tuning.cost import ConvLoad, bit_cost, board_cost, loads
from tests.builders import Net

LOAD = ConvLoad(multipliers=10, weights=100, filters=4, buffered=50, weight_width=4, input_width=6,
                accumulator_width=12)


def test_the_cost_is_the_sum_of_the_stated_shares():
    part = Resources(lut=1000, ff=1, dsp=10, bram_18k=1, uram=0)
    # 34 LUTs are less of this part than one of ten DSP blocks; 4 accumulators of 12 LUTs; 18 kbit of memory.
    expected = 10 * 34 / 1000 + 4 * 12 / 1000 + (100 * 4 + 50 * 6) / (18 * 1024)
    assert board_cost(part)([LOAD]) == pytest.approx(expected)
    # Wide products take the DSP block.
    wide = replace(LOAD, weight_width=16, input_width=16)
    assert board_cost(part)([wide]) == pytest.approx(10 / 10 + 4 * 12 / 1000 + (100 * 16 + 50 * 16) / (18 * 1024))
    assert board_cost(part)([LOAD, wide]) == pytest.approx(board_cost(part)([LOAD]) + board_cost(part)([wide]))


@pytest.mark.parametrize("part", [Resources(), Resources(lut=50_000, dsp=200, bram_18k=100)])
def test_a_bit_less_of_anything_costs_less(part):
    for cost in (board_cost(part), bit_cost):
        for field in ("weight_width", "accumulator_width"):
            assert cost([replace(LOAD, **{field: getattr(LOAD, field) - 1})]) < cost([LOAD])
    assert board_cost(part)([replace(LOAD, input_width=5)]) < board_cost(part)([LOAD])


def test_bits_are_weights_and_accumulators():
    assert bit_cost([LOAD, LOAD]) == 2 * (100 * 4 + 4 * 12)


def test_what_a_convolution_needs_is_read_off_its_graph():
    net = Net((1, 2, 6, 8))
    net.conv(net.quant("x", 5, -4), 4, 3)
    graph = ingest(net.model())
    types = infer_types(graph.model)
    (load,) = loads(graph, types, 10_000).values()
    kinds = next(kinds for kinds in types.layers.values() if kinds.weight)
    # As many multipliers as products of a pixel; two rows of eight pixels of two channels wait for the third.
    assert load == ConvLoad(72, 72, 4, 32, kinds.weight.width, 5, kinds.accumulator.width)
    (folded,) = loads(graph, types, 8).values()
    assert folded.multipliers == 8
