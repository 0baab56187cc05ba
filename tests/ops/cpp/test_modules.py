"""Estimates of hls4ml's modules beside what Vitis HLS reported of published designs."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from quantunet_hls.ops.convolution.cpp import ConvolutionModule, line_buffer_luts
from quantunet_hls.ops.cpp.modules import Fifo, estimate
from quantunet_hls.ops.padding.cpp import PaddingModule
from quantunet_hls.ops.pooling.cpp import MaxPoolingModule
from quantunet_hls.ops.stages.relu.cpp import ReluModule
from quantunet_hls.ops.stages.sigmoid.cpp import SigmoidModule
from quantunet_hls.types.fixed import FixedType

_ROOT = Path(__file__).resolve().parents[3]

#: Of designs as a whole, what the estimates are made for; of each held-out module, the worst that the README states.
OF_DESIGNS, OF_HELD_OUT = 0.15, {"convolution": 0.11, "relu": 0.24, "max_pooling": 0.36, "padding": 0.07,
                                 "sigmoid": 0.06, "fifo": 0.11}


#: Every kind of module that is estimated.
KINDS = (ConvolutionModule, ReluModule, MaxPoolingModule, PaddingModule, SigmoidModule, Fifo)


@pytest.fixture(scope="module")
def bench():
    path = _ROOT / "benchmarks" / "hls_estimates.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[path.stem]


@pytest.fixture(scope="module")
def table(bench):
    return bench.read_table()


@pytest.fixture(scope="module")
def rows(bench, table):
    return bench.modules(table)


def test_every_row_says_where_it_comes_from(table):
    assert len({(row["repository"], row["design"]) for row in table}) >= 10
    assert len({row["repository"] for row in table}) >= 5
    for row in table:
        assert len(row["commit"]) == 40
        assert row["report"].endswith(".rpt")
        assert row["tool"].startswith(("Vitis HLS 20", "Vivado HLS 20"))


def test_the_costs_are_those_that_fit_the_table_best(bench, rows):
    found = bench.fit(rows)
    costs = {name: cost for kind in KINDS for name, cost in kind.lut_costs.items()}
    assert set(costs) == set(found)
    for name, cost in costs.items():
        # Three digits are kept.
        assert cost == pytest.approx(found[name], rel=0.006), name


def test_the_ranges_are_those_of_the_table(bench, table, rows):
    assert bench.ranges(rows, bench.line_buffers(table)) == {kind.kind: kind.ranges for kind in KINDS}


def test_dsp_blocks_of_every_module_are_exact(rows):
    counted = [row for row in rows if row.kind in ("products", "convolution")]
    assert len({(row.design, row.name) for row in counted}) >= 14
    assert max(row.measured["dsp"] for row in counted) >= 7
    for row in counted:
        assert row.estimated["dsp"] == row.measured["dsp"], (row.design, row.name)


def test_blocks_of_every_fifo_are_exact_but_in_one_version(rows):
    fifos = [row for row in rows if row.kind == "fifo" and not row.unusual]
    assert len(fifos) >= 85
    for row in fifos:
        assert row.estimated["bram_18k"] == row.measured["bram_18k"], (row.design, row.name)
    assert any(row.estimated["bram_18k"] != row.measured["bram_18k"] for row in rows if row.unusual)


def test_blocks_of_weights(rows):
    wrong = [(row.design, row.name) for row in rows if row.kind in ("products", "convolution")
             and row.estimated["bram_18k"] != row.measured["bram_18k"]]
    # Vitis HLS 2023.1 makes logic of a ROM of 360 bits, 2024.2 a block of one of 300.
    assert set(wrong) == {("pixel_cnn_small", "config2")}


def test_line_buffers_are_exact(bench, table):
    buffers = bench.line_buffers(table)
    assert len(buffers) >= 20
    for each in buffers:
        assert line_buffer_luts(each.kernel, each.channels) == each.lut, each


def test_luts_of_modules_that_nothing_was_fitted_to(bench, rows):
    for kind, bound in OF_HELD_OUT.items():
        errors = [abs(bench.error(row, "lut")) for row in rows
                  if row.kind == kind and not row.fitted and not row.unusual
                  and row.measured["lut"] is not None and (kind != "fifo" or len(row.work) > 1)]
        assert errors, kind
        assert max(errors) <= bound, kind


def test_designs_as_a_whole(bench, rows):
    designs = bench.by_design(rows)
    assert len(designs) == 11
    for resource in ("lut", "dsp", "bram_18k"):
        errors = [abs(design["error"][resource]) for design in designs]
        held_out = [abs(design["error"][resource]) for design in designs if design["held_out"]]
        assert len(held_out) == 4
        assert np.median(errors) <= OF_DESIGNS
        assert np.median(held_out) <= OF_DESIGNS


def test_the_reference_is_what_the_table_gives(bench, rows):
    reference = json.loads((_ROOT / "reports" / "reference" / "hls_estimates.json").read_text())
    assert json.loads(json.dumps({"by_kind": bench.by_kind(rows), "by_design": bench.by_design(rows)})) == reference


CODE = FixedType(6, 6, False, "RND_CONV", "SAT")


def convolution(**changes):
    values = {"kernel": (3, 3), "channels": 8, "filters": 4, "reuse": 36, "input": CODE, "weight": FixedType(6, 4),
              "accumulator": FixedType(19, 10), "line": 34}
    return ConvolutionModule(**(values | changes))


def test_half_of_many_products_are_one_with_their_sum():
    # Two, four and eight products of a filter in a cycle.
    assert [estimate(convolution(reuse=reuse)).dsp for reuse in (36, 18, 9)] == [4, 8, 16]
    # 72 values, 4 filters: one product a cycle and filter, then filters that take turns.
    assert [estimate(convolution(reuse=reuse)).dsp for reuse in (72, 144, 288)] == [4, 2, 1]


def test_a_sum_that_drops_bits_is_not_one_with_its_product():
    assert estimate(convolution(accumulator=FixedType(14, 5))).dsp == 0


def test_wide_factors_take_a_block_each():
    assert estimate(convolution(input=FixedType(16, 10))).dsp == 8


def test_weights_that_never_change_take_no_memory():
    assert estimate(convolution(reuse=1)).bram_18k == 0
    assert estimate(convolution(reuse=36)).bram_18k == 2


def test_more_reuse_takes_fewer_luts():
    luts = [estimate(convolution(reuse=reuse)).lut for reuse in (9, 18, 36, 72)]
    assert luts == sorted(luts, reverse=True)


def test_short_fifos_are_shift_registers_however_wide():
    assert estimate(Fifo(2, 1024)).bram_18k == 0
    assert estimate(Fifo(3, 1024)).bram_18k == 57
    assert estimate(Fifo(16, 64)).bram_18k == 0
    assert estimate(Fifo(17, 64)).bram_18k == 4


def test_what_lies_outside_is_named():
    assert estimate(convolution(filters=5)).outside == ()
    assert estimate(convolution(filters=64, weight=FixedType(4, 3))).outside == (
        "64 filters (1 to 7)", "128 products a cycle (1 to 10)", "4 bits of the weights (6 to 10)")
    assert estimate(MaxPoolingModule((3, 3), 4, FixedType(8))).outside == (
        "3 kernel rows (2 to 2)", "3 kernel columns (2 to 2)")


def test_rounding_and_saturation_cost_where_there_is_something_to_round_and_to_saturate():
    source = FixedType(20, 10)
    plain = estimate(ReluModule(8, source, FixedType(19, 10, False))).lut
    assert estimate(ReluModule(8, source, FixedType(19, 10, False, "RND_CONV", "SAT"))).lut == plain
    rounded = estimate(ReluModule(8, source, FixedType(16, 6, False, "RND_CONV"))).lut
    assert rounded > plain
    assert estimate(ReluModule(8, source, FixedType(6, 6, False, "RND_CONV", "SAT"))).lut > rounded
