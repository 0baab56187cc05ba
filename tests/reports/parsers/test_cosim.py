import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import StepError
from quantunet_hls.reports import Source, names
from quantunet_hls.reports.parsers.cosim import parse_cosim, parse_latencies, read_cosim
from tests.reports import FIXTURES


@pytest.mark.parametrize(
    ("solution", "expected"),
    [
        ("vivado_hls_2019.2/solution1", (16_501, 16_503, 16_404, 16_406)),
        ("vitis_hls_2022.2/solution1", (16_610, 16_630, 16_510, 16_530)),
    ],
)
def test_the_table(solution, expected):
    found = read_cosim(FIXTURES / solution, "unet", 5.0, tool_version="9")
    values = {figure.name: figure.value for figure in found.figures}
    cycles = (
        values[names.LATENCY_CYCLES_MIN],
        values[names.LATENCY_CYCLES_MAX],
        values[names.INTERVAL_CYCLES_MIN],
        values[names.INTERVAL_CYCLES_MAX],
    )
    assert (found.language, found.passed) == ("Verilog", True)
    assert cycles == expected
    assert values[names.LATENCY_S_MAX] == pytest.approx(expected[1] * 5e-9)
    assert values[names.FRAMES_PER_S] == pytest.approx(1e9 / 5 / expected[3])
    assert {(figure.source, figure.tool_version) for figure in found.figures} == {(Source.COSIM, "9")}


def test_one_transaction_has_a_latency_and_no_interval():
    found = read_cosim(FIXTURES / "vitis_2024.2/hls", "unet", 5.0)
    values = {figure.name: figure.value for figure in found.figures}
    assert values == pytest.approx(
        {
            names.LATENCY_CYCLES_MIN: 16_640,
            names.LATENCY_CYCLES_MAX: 16_640,
            names.LATENCY_S_MIN: 83.2e-6,
            names.LATENCY_S_MAX: 83.2e-6,
        }
    )


def test_no_solution_is_absence(tmp_path):
    assert read_cosim(tmp_path / "solution1", "unet", 5.0) is None


def test_a_failed_co_simulation_has_no_figures(tmp_path):
    report = tmp_path / "sim/report/unet_cosim.rpt"
    report.parent.mkdir(parents=True)
    table = (FIXTURES / "vitis_hls_2022.2/solution1/sim/report/unet_cosim.rpt").read_text()
    report.write_text(table.replace("Pass", "Fail"))
    found = read_cosim(tmp_path, "unet", 5.0)
    assert not found.passed
    assert found.figures == ()


def test_vhdl_is_read_where_it_was_simulated():
    row = "| VHDL | Pass | 1 | 2 | 3 | 4 | 5 | 6 |"
    language, status, cycles = parse_cosim(row + "\n| Verilog | NA | NA | NA | NA | NA | NA | NA |")
    assert (language, status) == ("VHDL", "Pass")
    assert list(cycles.values()) == [1, 3, 4, 6]


@pytest.mark.parametrize(
    "text", ["", "| Verilog | Pass |", "| Verilog | NA | NA | NA | NA | NA | NA | NA |", "Verilog"]
)
def test_a_report_without_a_result_is_one_sentence(text):
    with pytest.raises(StepError, match="co-simulation"):
        parse_cosim(text)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(StepError):
        parse_cosim(text)
    parse_latencies(text)


def test_a_count_of_nothing_was_not_measured():
    _, _, cycles = parse_cosim("| Verilog | Pass | 9 | 9 | 9 | 0 | 0 | 0 |")
    assert cycles == {names.LATENCY_CYCLES_MIN: 9, names.LATENCY_CYCLES_MAX: 9}


@pytest.mark.parametrize("digits", [40, 400, 9_000])
def test_a_count_that_no_design_has_is_one_sentence(digits):
    count = "9" * digits
    with pytest.raises(StepError, match=r"c\.rpt is beyond"):
        parse_cosim(f"| Verilog | Pass | {count} | 9 | 9 | 9 | 9 | 9 |", "c.rpt")
    with pytest.raises(StepError, match=r"l\.rpt is beyond"):
        parse_latencies(f'$MAX_LATENCY = "{count}"', "l.rpt")


def test_lat_rpt():
    text = '$MAX_LATENCY = "30"\n$MIN_LATENCY = "20"\n$AVER_LATENCY = "25"\n$MAX_THROUGHPUT = "12"\n'
    text += '$MIN_THROUGHPUT = "11"\n$AVER_THROUGHPUT = "x"\n'
    assert parse_latencies(text) == {
        names.LATENCY_CYCLES_MAX: 30,
        names.LATENCY_CYCLES_MIN: 20,
        names.INTERVAL_CYCLES_MAX: 12,
        names.INTERVAL_CYCLES_MIN: 11,
    }
