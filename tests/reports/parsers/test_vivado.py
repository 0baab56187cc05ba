import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import ConfigurationError, StepError
from quantunet_hls.reports import Source, names
from quantunet_hls.reports.parsers.foreign import read_text
from quantunet_hls.reports.parsers.vivado import (
    parse_hierarchy,
    parse_power,
    parse_timing,
    parse_utilization,
)
from tests.reports import FIXTURES


def text(name: str) -> str:
    found = read_text(FIXTURES / "vivado" / f"{name}.rpt")
    assert found is not None
    return found


def pairs(figures):
    return {figure.name: (figure.value, figure.available) for figure in figures}


def values(figures):
    return {figure.name: figure.value for figure in figures}


def test_a_flat_report_of_a_7_series_part():
    header, figures = parse_utilization(text("7series_2019.2_utilization"))
    assert (header.version, header.device, header.state) == ("2019.2", "7z020clg400-1", "Synthesized")
    assert pairs(figures) == {
        names.LUT: (21_007, 53_200),
        names.LUTRAM: (1_006, 17_400),
        names.FF: (25_013, 106_400),
        # 21.5 of 140 tiles of 36 kbit.
        names.BRAM_18K: (43, 280),
        names.DSP: (27, 220),
    }
    assert {(figure.source, figure.tool, figure.tool_version) for figure in figures} == {
        (Source.MAPPED, "Vivado", "2019.2")
    }


def test_a_flat_report_of_an_ultrascale_part():
    header, figures = parse_utilization(text("usplus_2022.2_utilization"))
    assert header.version == "2022.2"
    assert pairs(figures) == {
        names.LUT: (31_019, 230_400),
        names.LUTRAM: (2_016, 101_760),
        names.FF: (35_023, 460_800),
        names.BRAM_18K: (66, 624),
        names.URAM: (3, 96),
        names.DSP: (129, 1_728),
    }
    assert {figure.source for figure in figures} == {Source.ROUTED}


def test_a_hierarchical_report():
    _, cells = parse_hierarchy(text("7series_2019.2_hierarchy"))
    assert [(cell.instance, cell.module, cell.depth) for cell in cells] == [
        ("unet", "(top)", 0),
        ("conv_2d_cl_array_config2_U0", "conv_2d_cl_array_config2_s", 1),
        ("shift_line_buffer_config2_U1", "shift_line_buffer_config2_s_1", 2),
        ("relu_array_relu_config4_U0", "relu_array_relu_config4_s", 1),
    ]
    assert values(cells[1].figures) == {
        names.LUT: 9_001,
        names.LUTRAM: 894 + 106,
        names.FF: 7_003,
        names.BRAM_18K: 2 * 5 + 3,
        names.DSP: 19,
    }


def test_a_hierarchical_report_with_percentages():
    _, cells = parse_hierarchy(text("usplus_2022.2_hierarchy"))
    assert values(cells[1].figures) == {
        names.LUT: 11_001,
        names.LUTRAM: 1_000,
        names.FF: 9_003,
        names.BRAM_18K: 2 * 7 + 4,
        names.URAM: 2,
        names.DSP: 64,
    }


@pytest.mark.parametrize("part", ["7series_2019.2", "usplus_2022.2"])
def test_the_flat_and_the_hierarchical_report_agree(part):
    _, figures = parse_utilization(text(f"{part}_utilization"))
    _, cells = parse_hierarchy(text(f"{part}_hierarchy"))
    assert values(cells[0].figures) == values(figures)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "routed_met_timing",
            {names.CLOCK_TARGET_NS: 5.0, names.WNS_NS: 0.313, names.CLOCK_ACHIEVED_NS: 4.687},
        ),
        (
            "routed_violated_timing",
            {names.CLOCK_TARGET_NS: 4.0, names.WNS_NS: -0.871, names.CLOCK_ACHIEVED_NS: 4.871},
        ),
        (
            "synthesized_timing",
            {names.CLOCK_TARGET_NS: 10.0, names.WNS_NS: 1.402, names.CLOCK_ESTIMATE_NS: 8.598},
        ),
        # Which of the two clocks the slack is of is not said.
        ("two_clocks_timing", {names.WNS_NS: 0.25}),
        ("unconstrained_timing", {}),
    ],
)
def test_timing(name, expected):
    assert values(parse_timing(text(name))[1]) == expected


def test_a_timing_estimate_is_not_called_routed():
    assert {figure.source for figure in parse_timing(text("synthesized_timing"))[1]} == {Source.MAPPED}
    assert {figure.source for figure in parse_timing(text("routed_violated_timing"))[1]} == {Source.ROUTED}


def test_a_placed_design_is_not_called_routed():
    placed = text("usplus_2022.2_utilization").replace("State : Routed", "State : Fully Placed")
    assert {figure.source for figure in parse_utilization(placed)[1]} == {Source.MAPPED}


@pytest.mark.parametrize(("name", "parse"), [("routed_met_timing", parse_timing),
                                             ("usplus_2022.2_utilization", parse_utilization),
                                             ("usplus_2022.2_hierarchy", parse_hierarchy)])
def test_what_a_report_of_2019_does_not_say_the_flow_knows(name, parse):
    # The timing reports of Vivado 2019.1 and 2019.2 have no "Design State".
    stateless = "\n".join(line for line in text(name).splitlines() if "Design State" not in line)
    assert parse(stateless)[0].source is Source.MAPPED
    header, found = parse(stateless, "r.rpt", Source.ROUTED)
    figures = found if parse is not parse_hierarchy else found[0].figures
    assert {header.source, *(figure.source for figure in figures)} == {Source.ROUTED}
    if parse is parse_timing:
        assert values(figures)[names.CLOCK_ACHIEVED_NS] == 4.687


@pytest.mark.parametrize(("name", "parse"), [("synthesized_timing", parse_timing),
                                             ("7series_2019.2_utilization", parse_utilization)])
def test_a_state_that_the_report_says_goes_before_the_flows(name, parse):
    assert parse(text(name), "r.rpt", Source.ROUTED)[0].source is Source.MAPPED


def test_the_design_that_a_report_is_of():
    assert parse_utilization(text("usplus_2022.2_utilization"))[0].design == "unet"


def test_a_table_of_the_dies_regions_is_not_taken_for_one_of_the_design():
    # It has as many columns as the others and a row of the same name.
    whole = "| Site Type | Used | Fixed | Available | Util% |\n| CLB LUTs | 70 | 0 | 100 | 70.0 |\n"
    regions = "| Site Type | SLR1 | SLR0 | SLR1 % | SLR0 % |\n| CLB LUTs | 30 | 40 | 60.0 | 80.0 |\n"
    regions += "| DSPs | 1 | 2 | 3.0 | 4.0 |\n"
    assert pairs(parse_utilization(whole + regions)[1]) == {names.LUT: (70, 100)}
    assert pairs(parse_utilization(regions + whole)[1]) == {names.LUT: (70, 100)}


@pytest.mark.parametrize(("cell", "power"), [("3.217", 3.217), ("128.4 (Junction temp exceeded!)", 128.4)])
def test_power(cell, power):
    report = f"| Design State : routed |\n| Total On-Chip Power (W)  | {cell} |\n| Dynamic (W) | 1.2 |\n"
    header, figures = parse_power(report, "p.rpt", Source.ROUTED)
    assert values(figures) == {names.POWER_W: power}
    assert header.source is Source.ROUTED


@pytest.mark.parametrize(("parse", "report"), [
    (parse_utilization, "| Site Type | Used |\n| CLB LUTs | {} |\n"),
    (parse_hierarchy, "| Instance | Module | Total LUTs |\n| a | b | {} |\n"),
    (parse_timing, "WNS(ns)\n---\n{}\n"),
    (parse_timing, "WNS(ns)\n---\n0.1\n\nClock  Waveform(ns)  Period(ns)\n-----\nc {{0 1}}  {}  200.0\n"),
    (parse_power, "| Total On-Chip Power (W) | {} |\n"),
])
@pytest.mark.parametrize("digits", [40, 400, 9_000])
def test_a_number_that_no_design_has_is_one_sentence(parse, report, digits):
    with pytest.raises(StepError, match=r"f\.rpt is beyond") as caught:
        parse(report.format("9" * digits), "f.rpt")
    assert len(str(caught.value)) < 200


def test_a_pipe_is_one_sentence(tmp_path):
    os.mkfifo(tmp_path / "r.rpt")
    with pytest.raises(ConfigurationError, match="named pipe"):
        read_text(tmp_path / "r.rpt")


@pytest.mark.parametrize("parse", [parse_utilization, parse_hierarchy, parse_timing, parse_power])
@pytest.mark.parametrize("damaged", ["", "no report", "| Site Type | Used |\n| CLB LUTs | - |\n", "WNS(ns)\n---\n"])
def test_what_is_no_report_is_one_sentence(parse, damaged):
    with pytest.raises(StepError, match=r"file\.rpt has no|file\.rpt is no"):
        parse(damaged, "file.rpt")


@given(st.data())
def test_a_truncated_report_gives_true_figures_or_is_refused(data):
    name, parse = data.draw(
        st.sampled_from(
            [
                ("7series_2019.2_utilization", parse_utilization),
                ("usplus_2022.2_utilization", parse_utilization),
            ]
        )
    )
    whole = text(name)
    expected = pairs(parse(whole)[1])
    try:
        found = pairs(parse(whole[: data.draw(st.integers(0, len(whole)))])[1])
    except StepError:
        return
    assert found.items() <= expected.items()


@given(st.text(alphabet="| +-()0123456789.\nSiteTypUsdInaMoulCLB", max_size=200))
def test_any_text_is_read_or_refused(noise):
    for parse in (parse_utilization, parse_hierarchy, parse_timing):
        try:
            parse(noise)
        except StepError:
            continue


def test_an_absent_report_is_absence(tmp_path):
    assert read_text(tmp_path / "none.rpt") is None
