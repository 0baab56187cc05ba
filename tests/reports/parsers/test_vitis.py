import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import StepError
from quantunet_hls.reports import Source, names
from quantunet_hls.reports.parsers.vitis import read_csynth
from tests.reports import FIXTURES

OLD = FIXTURES / "vivado_hls_2019.2" / "solution1"
NEW = FIXTURES / "vitis_hls_2022.2" / "solution1"
UNBOUND = FIXTURES / "vitis_2024.2" / "hls"
CONV = "conv_2d_cl_array_array_ap_fixed_16_6_5_3_0_8u_config2_s"
RELU = "relu_array_array_ap_ufixed_6_0_4_0_0_8u_relu_config4_s"
CLONE = "clone_stream_array_array_array_ap_ufixed_6_0_4_0_0_8u_16384_s"


def values(figures):
    return {figure.name: figure.value for figure in figures}


def available(figures):
    return {figure.name: figure.available for figure in figures if figure.available is not None}


def test_the_newer_form():
    found = read_csynth(NEW, "unet")
    assert (found.top, found.part, found.tool_version) == ("unet", "xczu7ev-ffvc1156-2-e", "2022.2")
    assert values(found.figures) == pytest.approx(
        {
            names.BRAM_18K: 41,
            names.DSP: 23,
            names.FF: 20_021,
            names.LUT: 30_013,
            names.URAM: 2,
            names.LATENCY_CYCLES_MIN: 16_600,
            names.LATENCY_CYCLES_MAX: 16_800,
            names.INTERVAL_CYCLES_MIN: 16_500,
            names.INTERVAL_CYCLES_MAX: 16_550,
            # Of 5 ns each.
            names.LATENCY_S_MIN: 83.0e-6,
            names.LATENCY_S_MAX: 84.0e-6,
            names.INTERVAL_S_MIN: 82.5e-6,
            names.INTERVAL_S_MAX: 82.75e-6,
            names.FRAMES_PER_S: 1 / 82.75e-6,
            names.CLOCK_TARGET_NS: 5.0,
            names.CLOCK_ESTIMATE_NS: 3.648,
        }
    )
    assert available(found.figures) == {
        names.BRAM_18K: 624,
        names.DSP: 1728,
        names.FF: 460_800,
        names.LUT: 230_400,
        names.URAM: 96,
    }
    assert {figure.source for figure in found.figures} == {Source.CSYNTH}
    assert {(figure.tool, figure.tool_version) for figure in found.figures} == {("Vitis HLS", "2022.2")}


def test_the_newer_form_has_what_the_top_function_calls_and_nothing_deeper():
    modules = read_csynth(NEW, "unet").modules
    assert [(module.name, module.instance) for module in modules] == [
        (CONV, f"{CONV}_U0"),
        (RELU, f"{RELU}_U0"),
        (CLONE, f"{CLONE}_U0"),
    ]
    conv = values(modules[0].figures)
    assert (conv[names.LUT], conv[names.FF], conv[names.DSP]) == (9_001, 5_003, 11)
    assert (conv[names.BRAM_18K], conv[names.URAM]) == (10, 2)
    assert (conv[names.LATENCY_CYCLES_MIN], conv[names.LATENCY_CYCLES_MAX]) == (16_390, 16_392)
    assert (conv[names.INTERVAL_CYCLES_MIN], conv[names.INTERVAL_CYCLES_MAX]) == (16_386, 16_393)
    assert conv[names.CLOCK_ESTIMATE_NS] == 3.512
    assert available(modules[0].figures)[names.BRAM_18K] == 624
    relu = values(modules[1].figures)
    assert (relu[names.INTERVAL_CYCLES_MIN], relu[names.INTERVAL_CYCLES_MAX]) == (16_385, 16_385)


def test_the_older_form():
    found = read_csynth(OLD, "unet", "Vivado HLS")
    numbers = values(found.figures)
    assert found.tool_version == "2019.2"
    assert (numbers[names.LUT], numbers[names.FF], numbers[names.DSP], numbers[names.BRAM_18K]) == (
        31_007,
        21_011,
        19,
        37,
    )
    assert names.URAM not in numbers
    assert (numbers[names.LATENCY_CYCLES_MIN], numbers[names.LATENCY_CYCLES_MAX]) == (16_500, 16_700)
    assert (numbers[names.INTERVAL_CYCLES_MIN], numbers[names.INTERVAL_CYCLES_MAX]) == (16_400, 16_450)
    assert numbers[names.LATENCY_S_MAX] == pytest.approx(167e-6)
    assert (numbers[names.CLOCK_TARGET_NS], numbers[names.CLOCK_ESTIMATE_NS]) == (10.0, 8.742)
    assert available(found.figures)[names.DSP] == 220
    assert len(found.files) == 4
    assert {module.name: values(module.figures)[names.LUT] for module in found.modules} == {
        "compute_output_array_config2_s": 2_001,
        "conv_2d_cl_array_array_ap_fixed_8u_config2_s": 7_001,
        "relu_array_array_ap_ufixed_6_relu_config4_s": 401,
    }


@pytest.mark.parametrize(("solution", "tool"), [(UNBOUND, "Vitis HLS"), (OLD, "Vivado HLS")])
def test_what_the_tool_could_not_bound_is_absent(solution, tool):
    found = read_csynth(solution, "unet", tool)
    unbound = [found.figures, *(module.figures for module in found.modules)] if solution == UNBOUND else []
    unbound += [module.figures for module in found.modules if module.name.startswith("relu")]
    assert unbound
    for figures in unbound:
        present = set(values(figures))
        assert {names.LUT, names.CLOCK_ESTIMATE_NS} <= present
        assert not any("latency" in name or "interval" in name or "frames" in name for name in present)


def test_no_solution_and_no_report_is_absence(tmp_path):
    assert read_csynth(tmp_path / "solution1", "unet") is None
    assert read_csynth(NEW, "another") is not None
    (tmp_path / "solution1" / "syn" / "report").mkdir(parents=True)
    assert read_csynth(tmp_path / "solution1", "unet") is None


def one_report(folder, content: bytes):
    report = folder / "solution1" / "syn" / "report"
    report.mkdir(parents=True, exist_ok=True)
    (report / "unet_csynth.xml").write_bytes(content)
    return folder / "solution1"


@given(st.data())
def test_a_truncated_report_is_one_sentence(tmp_path_factory, data):
    whole = (NEW / "syn/report/csynth.xml").read_bytes().rstrip()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(StepError, match=r"unet_csynth\.xml.*run C-synthesis again"):
        read_csynth(one_report(tmp_path_factory.mktemp("cut"), whole[:cut]), "unet")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b"\xff\xfe\x00",
        b"<html><body>404</body></html>",
        b"<profile/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><profile><PerformanceEstimates>&b;</PerformanceEstimates></profile>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><profile>&x;</profile>',
        b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]><profile>&c;</profile>',
    ],
)
def test_what_is_no_report_is_one_sentence(tmp_path, content):
    with pytest.raises(StepError) as caught:
        read_csynth(one_report(tmp_path, content), "unet")
    assert "\n" not in str(caught.value)


@given(st.sampled_from(["undef", "-", "?", "", "~0", "nan", "inf", "-inf", "1e999", "-1", "1 2", "0x10", "N/A"]))
def test_nothing_but_a_number_is_taken_for_one(tmp_path_factory, text):
    content = (NEW / "syn/report/unet_csynth.xml").read_text().replace("30013", text).replace("16800", text)
    found = read_csynth(one_report(tmp_path_factory.mktemp("odd"), content.encode()), "unet")
    assert names.LUT not in values(found.figures)
    assert names.LATENCY_CYCLES_MAX not in values(found.figures)
    assert values(found.figures)[names.FF] == 20_021


def test_one_damaged_function_is_told_by_name(tmp_path):
    solution = tmp_path / "solution1"
    shutil.copytree(OLD, solution)
    (solution / "syn/report/relu_array_array_ap_ufixed_6_relu_config4_s_csynth.xml").write_text("<profile>")
    with pytest.raises(StepError, match="relu_array"):
        read_csynth(solution, "unet")
