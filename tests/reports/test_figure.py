import math
from dataclasses import replace

import pytest

from quantunet_hls.reports import Figure, Source, Subject, names
from tests.reports.examples import EXAMPLE


def test_the_most_binding_figure_is_found_first_and_any_can_be_asked_for():
    assert EXAMPLE.figure(names.LUT).value == 21_007
    assert EXAMPLE.figure(names.LUT, Source.ESTIMATE).value == 31_000
    assert EXAMPLE.figure(names.LUT, Source.COSIM) is None
    assert EXAMPLE.figure(names.DSP) is None
    assert EXAMPLE.layers[0].figure(names.LUT).value == 900


def test_the_share_of_the_part():
    assert EXAMPLE.figure(names.LUT, Source.ROUTED).share == pytest.approx(21_007 / 230_400)
    assert Figure(names.LUT, 5, Source.MAPPED, "Yosys").share is None
    assert Figure(names.URAM, 0, Source.MAPPED, "Yosys", available=0).share is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_is_finite(value):
    with pytest.raises(ValueError, match="not finite"):
        Figure(names.LUT, value, Source.MAPPED, "Yosys")


def test_a_figure_has_its_own_unit_and_a_new_one_needs_one():
    with pytest.raises(ValueError, match="unit"):
        Figure(names.LATENCY_S_MAX, 1.0, Source.COSIM, "Vitis HLS", unit="ms")
    with pytest.raises(ValueError, match="unit"):
        Figure("gates", 1, Source.MAPPED, "Yosys")
    assert Figure("gates", 1, Source.MAPPED, "Yosys", unit="gates").unit == "gates"


def test_the_same_figure_of_the_cpp_and_of_the_rtl_are_two():
    cpp = Figure(names.LUT, 9, Source.ESTIMATE, "model", subject=Subject.CPP)
    both = replace(EXAMPLE, figures=(cpp, replace(cpp, value=1, subject=Subject.RTL)))
    assert both.figure(names.LUT).value == 1
    assert both.figure(names.LUT, subject=Subject.CPP).value == 9
    assert both.figure(names.LUT, subject=Subject.NETWORK) is None
    assert [figure.origin for figure in both.figures] == ["C++, estimate", "RTL, estimate"]


def test_which_figure_counts_does_not_depend_on_their_order():
    figures = [Figure(names.FRAMES_PER_S, 1.0, Source.ESTIMATE, "hls4ml", subject=Subject.RTL),
               Figure(names.FRAMES_PER_S, 2.0, Source.ESTIMATE, "verilator", subject=Subject.RTL),
               Figure(names.INTERVAL_CYCLES_MAX, 3, Source.RTL_SIM, "verilator", subject=Subject.RTL),
               Figure(names.DICE, 0.9, Source.MEASURED, "float", subject=Subject.NETWORK),
               Figure(names.DICE, 0.8, Source.MEASURED, names.HARDWARE, subject=Subject.NETWORK),
               Figure(names.IOU, 0.7, Source.MEASURED, "float", subject=Subject.NETWORK),
               Figure(names.IOU, 0.6, Source.MEASURED, "Brevitas", subject=Subject.NETWORK),
               Figure(names.LUT, 90, Source.ESTIMATE, "C-synthesis model", subject=Subject.CPP),
               Figure(names.LUT, 9, Source.ESTIMATE, "quantunet-hls", subject=Subject.RTL)]
    for turned in (figures, figures[::-1]):
        report = replace(EXAMPLE, figures=tuple(turned))
        # The tool whose other figures bind more; the hardware's accuracy; the first by name; the RTL.
        assert {name: report.figure(name).value for name in (names.FRAMES_PER_S, names.DICE, names.IOU, names.LUT)} == {
            names.FRAMES_PER_S: 2.0, names.DICE: 0.8, names.IOU: 0.6, names.LUT: 9}
        assert report.figure(names.LUT, subject=Subject.CPP).value == 90
