import io

import pytest
from rich.console import Console

from quantunet_hls.reports import Check, Figure, LayerReport, Network, Report, Source, Target, names, render


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
        LayerReport("Conv_0", "Conv2D", (Figure(names.LUT, 9_001, Source.CSYNTH, "Vitis HLS"),)),
        LayerReport("clone[0]", "module", (Figure(names.DSP, 7, Source.CSYNTH, "Vitis HLS"),)),
        LayerReport("Pool_0", "", (Figure(names.LUT, 55, Source.MAPPED, "Vivado"),)),
    ),
    figures=(
        Figure(names.LATENCY_S_MAX, 8.4e-5, Source.CSYNTH, "Vitis HLS", "2024.2"),
        Figure(names.LUT, 23_040, Source.ESTIMATE, "model", "", 230_400),
        Figure(names.LUT, 46_080, Source.CSYNTH, "Vitis HLS", "2024.2", 230_400),
    ),
)


def test_a_figure_has_unit_share_source_and_tool():
    lines = shown(render.totals(REPORT.figures))
    assert "20.0% of 230,400" in row(lines, "46,080 LUTs")
    assert "10.0%" in row(lines, "23,040 LUTs")
    assert "84 µs" in row(lines, "Latency, most")
    # A figure stands under the line that says where it comes from.
    places = [next(place for place, line in enumerate(lines) if text in line)
              for text in ("C-synthesis, Vitis HLS 2024.2", "46,080 LUTs", "estimate, model", "23,040 LUTs")]
    assert places == sorted(places)


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
    for word in ("Differing values", "unet on zcu104, 5 ns", "Layers: C-synthesis", "Layers: mapped"):
        assert word in whole
    assert "Layers: estimate" not in whole


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
