import io
from dataclasses import replace

import pytest
from rich.console import Console

from quantunet_hls.reports import Check, Figure, LayerReport, Network, Report, Source, Subject, Target, names, render


def shown(renderable) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=120).print(renderable)
    return stream.getvalue().splitlines()


def row(lines: list[str], *words: str) -> str:
    return next(line for line in lines if all(word in line for word in words))


REPORT = Report(
    name="unet",
    created="2026-01-31T12:00:00+00:00",
    network=Network("unet"),
    target=Target("zcu104", "xczu7ev-ffvc1156-2-e", 5.0),
    checks=(Check("Brevitas", "C-simulation", None, 1_000, 0), Check("Brevitas", "RTL [sic]", "Conv_0", 1_000, 3)),
    layers=(
        LayerReport("Conv_0", "Conv2D", (Figure(names.LUT, 9_001, Source.CSYNTH, "Vitis HLS", subject=Subject.CPP),)),
        LayerReport("clone[0]", "module", (Figure(names.DSP, 7, Source.CSYNTH, "Vitis HLS", subject=Subject.CPP),)),
        LayerReport("Pool_0", "", (Figure(names.LUT, 55, Source.MAPPED, "Vivado", subject=Subject.RTL),)),
    ),
    figures=(
        Figure(names.LATENCY_S_MAX, 8.4e-5, Source.CSYNTH, "Vitis HLS", "2024.2", subject=Subject.CPP),
        Figure(names.LUT, 23_040, Source.ESTIMATE, "model", "", 230_400, subject=Subject.RTL),
        Figure(names.LUT, 46_080, Source.CSYNTH, "Vitis HLS", "2024.2", 230_400, subject=Subject.CPP),
        Figure(names.LUT, 99_999, Source.ESTIMATE, "model", "", 230_400, subject=Subject.CPP),
        Figure(names.LATENCY_CYCLES_MAX, 16_800, Source.CSYNTH, "Vitis HLS", "2024.2", subject=Subject.CPP),
        Figure(names.FRAMES_PER_S, 338.55, Source.ESTIMATE, "model", subject=Subject.CPP),
        Figure(names.MULTIPLIERS, 661, Source.ESTIMATE, "reuse factors", subject=Subject.CPP),
        Figure(names.DICE, 0.71, Source.MEASURED, names.HARDWARE, subject=Subject.NETWORK),
        Figure(names.DICE, 0.72, Source.MEASURED, "float", subject=Subject.NETWORK),
    ),
)


def test_a_figure_has_unit_share_and_source_under_the_design_that_it_is_of():
    lines = shown(render.totals(REPORT.figures))
    assert "C-synthesis" in row(lines, "46,080", "20.0% of 230,400")
    assert "estimate" in row(lines, "23,040", "10.0% of 230,400")
    places = [next(place for place, line in enumerate(lines) if text in line)
              for text in ("RTL", "23,040", "C++ (hls4ml)", "46,080", "Network", "Dice", "C++, C-synthesis: Vitis HLS")]
    assert places == sorted(places)


def test_each_thing_is_said_once_and_the_frame_rate_first():
    lines = shown(render.totals(REPORT.figures))
    # An estimate of what was synthesized, seconds of what is told in cycles, and a unit that the title is.
    assert not any("99,999" in line or "84 µs" in line for line in lines)
    assert "16,800 cycles" in row(lines, "Latency ")
    assert row(lines, "Multipliers").split()[:2] == ["Multipliers", "661"]
    first = lines.index(row(lines, "C++ (hls4ml)")) + 1
    assert "Frame rate" in lines[first]
    assert "338.6 frames/s" in lines[first]
    assert "0.71" in row(lines, f"Dice ({names.HARDWARE})")
    assert "0.72" in row(lines, "Dice (float)")


def test_more_than_the_part_has_is_said():
    figures = [Figure(names.LUT, 242_971, Source.ESTIMATE, "model", "", 230_400, subject=Subject.CPP),
               Figure(names.DSP, 1_728, Source.ESTIMATE, "model", "", 1_728, subject=Subject.CPP)]
    said = "more than the part has (C++, estimate): 242,971 LUTs, 105.5% of 230,400"
    assert render.beyond_part(figures) == [said]
    assert f"Warning: {said}." in "\n".join(shown(render.totals(figures)))
    assert render.beyond_part(REPORT.figures) == []


def test_nothing_in_a_report_reaches_the_terminal_as_a_command():
    hostile = "\x1b[2J\x1b]0;x\x07[red]"
    figures = (Figure("gates", 1, Source.ESTIMATE, hostile, hostile, unit=hostile),)
    value = replace(REPORT, name=hostile, figures=figures, checks=(Check(hostile, hostile, hostile, 1, 1),),
                    layers=(LayerReport(hostile, hostile, (*figures, Figure(names.LUT, 5, Source.MAPPED, hostile))),))
    text = "\n".join(shown(render.report(value)) + shown(render.pairs(value.checks)))
    assert not set(text) & {"\x1b", "\x07"}
    assert text.count(r"\x1b[2J") > 5
    assert "[red]" in text


def test_layers_of_one_source_only():
    lines = shown(render.layers(REPORT, Source.CSYNTH))
    assert "9,001" in row(lines, "Conv_0", "Conv2D")
    assert "7" in row(lines, "clone[0]")
    assert not any("Pool_0" in line for line in lines)
    assert render.layers(REPORT, Source.ROUTED) is None


def test_checks_show_every_number_and_names_as_they_are():
    lines = shown(render.checks(REPORT.checks))
    assert " 0 " in row(lines, "(output)")
    assert " 3 " in row(lines, "RTL [sic]", "Conv_0")


def test_the_whole_report_has_all_of_them():
    whole = "\n".join(shown(render.report(REPORT)))
    for word in ("Differing values", "unet on zcu104, 5 ns", "Layers: C++, C-synthesis", "Layers: RTL, mapped"):
        assert word in whole
    assert not any("Layers:" in line and "estimate" in line for line in whole.splitlines())


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (12_345, "LUTs", "12,345 LUTs"),
        (0.0123, "s", "12.3 ms"),
        (8.4e-8, "s", "84 ns"),
        (0, "s", "0 s"),
        (12.5, "s", "12.5 s"),
        (338.55, "frames/s", "338.6 frames/s"),
        (12_084.5, "frames/s", "12,084 frames/s"),
        (0.8912, "1", "0.8912"),
        (-0.871, "ns", "-0.871 ns"),
    ],
)
def test_amounts(value, unit, expected):
    assert render.amount(value, unit) == expected
