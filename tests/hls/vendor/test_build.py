"""The driver against stand-ins for the vendor's tools, which can't be installed here; see :mod:`stubs`."""

import time

import pytest

from quantunet_hls.core.errors import StepError, ToolFailedError, ToolNotFoundError
from quantunet_hls.hls.vendor import HlsProject, Phase, build, hls_tool, make_plan, vivado
from quantunet_hls.hls.vendor.results import collect
from quantunet_hls.reports import Check, Source, names

TOOL_PHASES = [("csim", "vitis-run"), ("csynth", "vitis-run"), ("cosim", "vitis-run"), ("vsynth", "vivado")]


@pytest.mark.parametrize("tool", ["vitis-run", "vitis_hls"])
def test_all_stages_from_the_first_to_the_last(bench, tool):
    bench.install(tool, "vivado")
    result = build(bench.project, list(Phase))
    assert bench.calls() == [
        f"{tool} csim",
        f"{tool} csynth",
        f"{tool} cosim",
        f"{tool} export",
        "vivado vsynth",
        "vivado implement",
    ]
    assert [outcome.phase for outcome in result.outcomes] == list(Phase)
    assert not any(outcome.reused for outcome in result.outcomes)
    assert result.tools == {"Vitis HLS": "2024.2" if tool == "vitis-run" else "2022.2", "Vivado": "2023.2"}
    luts = {figure.source: figure.value for figure in result.figures if figure.name == names.LUT}
    assert luts == {Source.CSYNTH: 30_013, Source.MAPPED: 21_007, Source.ROUTED: 31_019}
    latency = {figure.source: figure.value for figure in result.figures if figure.name == names.LATENCY_CYCLES_MAX}
    assert latency == {Source.CSYNTH: 16_800, Source.COSIM: 16_630}
    # The stand-in for co-simulation writes one value of six wrong.
    assert result.checks == (
        Check("expected output", "C-simulation (Vitis HLS)", None, 6, 0),
        Check("expected output", "co-simulation (Vitis HLS)", None, 6, 1),
    )
    for path in result.files.values():
        assert (bench.folder / path).exists()
        assert (bench.folder / path).resolve().is_relative_to(bench.folder)


def collected(bench, outcomes):
    """What a build reads of reports that have been altered since."""
    plan = make_plan(bench.project, [outcome.phase for outcome in outcomes], hls_tool("Vitis"),
                     vivado() if outcomes[-1].phase is Phase.IMPLEMENT else None)
    return collect(plan, outcomes, {})


def test_cycles_of_co_simulation_take_as_long_as_the_clock_that_c_synthesis_reaches(bench):
    bench.install("vitis_hls")
    outcomes = build(bench.project, ["cosim"]).outcomes
    for name in ("csynth.xml", "unet_csynth.xml"):
        report = bench.folder / "unet_prj/solution1/syn/report" / name
        report.write_text(report.read_text().replace(">3.648<", ">9.5<"))
    seconds = {figure.source: figure.value for figure in collected(bench, outcomes).figures
               if figure.name == names.LATENCY_S_MAX}
    assert seconds == pytest.approx({Source.CSYNTH: 16_800 * 9.5e-9, Source.COSIM: 16_630 * 9.5e-9})


def test_vivados_reports_of_2019_are_of_the_phase_that_wrote_them(bench):
    bench.install("vitis_hls", "vivado")
    outcomes = build(bench.project, ["implement"]).outcomes
    for report in bench.folder.rglob("*_timing.rpt"):
        report.write_text("\n".join(line for line in report.read_text().splitlines() if "Design State" not in line))
    figures = collected(bench, outcomes).figures
    assert {figure.source for figure in figures if figure.name == names.CLOCK_ACHIEVED_NS} == {Source.ROUTED}
    assert {figure.source for figure in figures if figure.name == names.WNS_NS} == {Source.MAPPED, Source.ROUTED}


def test_layers_have_the_networks_names(bench):
    bench.install("vitis_hls", "vivado")
    layers = {layer.name: layer for layer in build(bench.project, ["implement"]).layers}
    conv = layers["Conv2D_Conv_0"]
    assert conv.figure(names.LUT, Source.CSYNTH).value == 9_001
    assert conv.figure(names.LUT, Source.MAPPED).value == 9_001
    assert conv.figure(names.LUT, Source.ROUTED).value == 11_001
    assert conv.figure(names.LATENCY_CYCLES_MAX).value == 16_392
    assert layers["Relu_0"].figure(names.LUT, Source.CSYNTH).value == 409
    others = [layer for layer in layers.values() if layer.kind == "module"]
    assert [layer.name.partition("_array")[0] for layer in others] == ["clone_stream"]


def test_vivado_hls_builds_projects_of_its_own_backend(bench):
    bench.install("vivado_hls", "vitis-run")
    project = HlsProject(bench.folder, "unet", "xc7z020clg400-1", 10.0, backend="Vivado")
    result = build(project, ["csynth"])
    assert bench.calls() == ["vivado_hls csynth"]
    assert {figure.tool for figure in result.figures} == {"Vivado HLS"}


def test_the_second_time_nothing_runs_and_the_result_is_the_same(bench):
    bench.install("vitis-run", "vivado")
    first = build(bench.project, list(Phase))
    bench.calls()
    second = build(bench.project, list(Phase))
    assert bench.calls() == []
    assert all(outcome.reused for outcome in second.outcomes)
    assert (second.figures, second.layers, second.checks) == (first.figures, first.layers, first.checks)
    assert [outcome.seconds for outcome in second.outcomes] == [outcome.seconds for outcome in first.outcomes]


def test_new_images_run_the_simulations_and_no_synthesis(bench):
    bench.install("vitis-run", "vivado")
    build(bench.project, list(Phase))
    bench.calls()
    (bench.folder / "tb_data/tb_input_features.dat").write_text("7 8 9\n")
    build(bench.project, list(Phase))
    assert bench.calls() == ["vitis-run csim", "vitis-run cosim"]


def test_a_new_weight_runs_everything(bench):
    bench.install("vitis-run", "vivado")
    build(bench.project, list(Phase))
    bench.calls()
    (bench.folder / "firmware/weights/w2.txt").write_text("1, 2, 4\n")
    build(bench.project, list(Phase))
    assert len(bench.calls()) == len(Phase)


@pytest.mark.parametrize("lost", ["unet_prj/solution1/syn/report/unet_csynth.xml", ".quantunet_build.json"])
def test_a_lost_output_or_ledger_is_made_again(bench, lost):
    bench.install("vitis-run")
    build(bench.project, ["csynth"])
    bench.calls()
    (bench.folder / lost).unlink()
    build(bench.project, ["csynth"])
    assert bench.calls() == ["vitis-run csynth"]


@pytest.mark.parametrize("name", ["unet_csynth.xml", "../verilog/unet.v"])
def test_an_altered_output_is_made_again(bench, name):
    bench.install("vitis-run")
    output = bench.folder / "unet_prj/solution1/syn/report" / name
    first = build(bench.project, ["csynth"])
    bench.calls()
    output.write_text(output.read_text() + " ")
    assert build(bench.project, ["csynth"]).figures == first.figures
    assert bench.calls() == ["vitis-run csynth"]


def test_another_version_of_a_tool_runs_what_it_does_and_is_named(bench):
    bench.install("vitis-run", "vivado")
    build(bench.project, ["vsynth"])
    bench.calls()
    bench.update("vivado", "2023.2", "2031.1")
    assert build(bench.project, ["vsynth"]).tools == {"Vitis HLS": "2024.2", "Vivado": "2031.1"}
    assert bench.calls() == ["vivado vsynth"]
    bench.update("vitis-run", "2024.2", "2031.1")
    assert build(bench.project, ["vsynth"]).tools == {"Vitis HLS": "2031.1", "Vivado": "2031.1"}
    assert bench.calls() == ["vitis-run csynth", "vivado vsynth"]


@pytest.mark.parametrize("record", ["", "{", "[]", '{"digest": 1}', "null"])
def test_a_damaged_ledger_counts_for_nothing(bench, record):
    bench.install("vitis-run")
    build(bench.project, ["csim"])
    bench.calls()
    (bench.folder / ".quantunet_build.json").write_text(record)
    build(bench.project, ["csim"])
    assert bench.calls() == ["vitis-run csim"]


@pytest.mark.parametrize(("phase", "tool"), TOOL_PHASES)
def test_a_killed_phase_is_run_afresh_and_the_ones_before_are_not(bench, phase, tool):
    bench.install("vitis-run", "vivado")
    bench.behave(phase, "killed")
    with pytest.raises(ToolFailedError, match=rf"killed by signal 9; its log is .*{phase}\.log"):
        build(bench.project, [phase])
    assert bench.calls()[-1] == f"{tool} {phase}"
    bench.behave(phase, "work")
    result = build(bench.project, [phase])
    assert bench.calls() == [f"{tool} {phase}"]
    assert [outcome.reused for outcome in result.outcomes] == [True] * (len(result.outcomes) - 1) + [False]


def test_what_a_killed_run_left_is_gone_before_the_next(bench):
    bench.install("vitis-run")
    build(bench.project, ["csynth"])
    (bench.folder / "firmware/unet.cpp").write_text("changed\n")
    bench.behave("csynth", "fail")
    with pytest.raises(ToolFailedError):
        build(bench.project, ["csynth"])
    assert not (bench.folder / "unet_prj/solution1/syn/report/unet_csynth.xml").exists()
    bench.behave("csynth", "work")
    (bench.folder / "firmware/unet.cpp").write_text("changed back\n")
    assert not build(bench.project, ["csynth"]).outcomes[0].reused


@pytest.mark.parametrize(("phase", "tool"), TOOL_PHASES)
def test_a_tool_that_fails_names_its_log_and_what_it_said(bench, phase, tool):
    bench.install("vitis-run", "vivado")
    bench.behave(phase, "fail")
    with pytest.raises(ToolFailedError, match=rf"{tool} ended with exit code 1.*{phase}\.log.*the design is no good"):
        build(bench.project, [phase])


@pytest.mark.parametrize(
    ("mode", "complaint"),
    [
        ("says error and exits with 0", "something is amiss"),
        ("exits with 0", "left no unet_prj"),
        ("leaves no report", "left no unet_prj"),
    ],
)
def test_exit_code_0_is_not_taken_at_its_word(bench, mode, complaint):
    bench.install("vitis-run")
    bench.behave("csynth", mode)
    with pytest.raises(ToolFailedError, match=rf"exit code 0 but .*{complaint}.*csynth\.log"):
        build(bench.project, ["csynth"])
    bench.behave("csynth", "work")
    bench.calls()
    build(bench.project, ["csynth"])
    assert bench.calls() == ["vitis-run csynth"]


@pytest.mark.parametrize("limit_s", [0.5, {Phase.CSYNTH: 0.5}])
def test_a_tool_that_hangs_is_stopped(bench, limit_s):
    bench.install("vitis-run")
    bench.behave("csynth", "hang")
    started = time.monotonic()
    with pytest.raises(ToolFailedError, match=r"limit of 0\.5 s and was stopped; its log is .*csynth\.log"):
        build(bench.project, ["csynth"], limit_s=limit_s)
    assert time.monotonic() - started < 20


def test_a_co_simulation_that_differs_is_an_error(bench):
    bench.install("vitis-run")
    bench.behave("cosim", "differs")
    with pytest.raises(ToolFailedError, match="did not pass"):
        build(bench.project, ["cosim"])


def test_a_damaged_report_is_one_sentence(bench):
    bench.install("vitis-run")
    outcomes = build(bench.project, ["csynth"]).outcomes
    (bench.folder / "unet_prj/solution1/syn/report/unet_csynth.xml").write_text("<profile>")
    with pytest.raises(StepError, match="run C-synthesis again"):
        collected(bench, outcomes)


def test_without_tools_nothing_is_touched(bench):
    before = sorted(bench.folder.rglob("*"))
    with pytest.raises(ToolNotFoundError, match="vitis-run or vitis_hls was not found"):
        build(bench.project, ["csim"])
    bench.install("vitis-run")
    with pytest.raises(ToolNotFoundError, match="vivado was not found"):
        build(bench.project, ["vsynth"])
    assert sorted(bench.folder.rglob("*")) == before


def test_a_link_that_a_tool_left_is_removed_and_what_it_leads_to_is_not(bench, tmp_path):
    bench.install("vitis-run")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("keep")
    (bench.folder / "unet_prj").symlink_to(tmp_path / "precious")
    build(bench.project, ["csynth"])
    assert (tmp_path / "precious" / "file").read_text() == "keep"
    assert not (bench.folder / "unet_prj").is_symlink()


def test_a_test_bench_that_was_told_nothing_to_expect_is_compared_with_nothing(bench):
    bench.install("vitis-run")
    (bench.folder / "tb_data/tb_output_predictions.dat").unlink()
    assert build(bench.project, ["csim", "cosim"]).checks == ()
