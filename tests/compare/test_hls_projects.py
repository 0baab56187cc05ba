"""Projects of other people: where their tools leave reports, and of which function those are."""

import os
import re
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from quantunet_hls.cli.compare import compare as compare_command
from quantunet_hls.compare import compare, open_designs
from quantunet_hls.compare.page import page
from quantunet_hls.compare.tables import markdown, overview
from quantunet_hls.core.errors import ConfigurationError, QuantUNetError, StepError
from quantunet_hls.reports import Source, Subject, names
from tests.compare.projects import hierarchy, hls4ml, profile, wrapped, write

FIXTURES = Path(__file__).parents[1] / "reports" / "fixtures"


def the_report(argument):
    (design,) = open_designs([argument])
    return design.report


def values(report, source=Source.CSYNTH):
    return {figure.name: figure.value for figure in report.figures if figure.source is source}


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("backend", ["VivadoAccelerator", "Vivado"])
def test_an_accelerators_top_is_its_wrapper(tmp_path, whole, backend):
    report = the_report(wrapped(tmp_path / "p", whole=whole, backend=backend))
    found = values(report)
    assert (found[names.LUT], found[names.LATENCY_CYCLES_MAX]) == (11_413, 7_113)
    assert found[names.INTERVAL_CYCLES_MAX] == 7_114
    assert found[names.FRAMES_PER_S] == pytest.approx(1e9 / (5 * 7_114))
    assert report.name == "unet"
    # What the wrapper calls is told by itself, and the wrapper is no module of itself.
    assert {layer.name: layer.figure(names.LUT).value for layer in report.layers} == {"unet": 112, "Loop_1_proc": 310}


def test_a_gate_judges_the_wrapper(tmp_path):
    result = CliRunner().invoke(compare_command, [str(wrapped(tmp_path / "p")), "--fail-if", "lut>10000"])
    assert result.exit_code == 1
    assert "11,413" in result.output


def test_reports_of_different_runs_are_refused(tmp_path):
    folder = wrapped(tmp_path / "p")
    report = folder / "unet_prj/solution1/syn/report/unet_axi_csynth.xml"
    report.write_text(profile("unet_axi", lut=11_414))
    with pytest.raises(StepError, match=r"csynth\.xml and unet_axi.* disagree \(LUT: 11,413 and 11,414\)"):
        open_designs([folder])
    # The remedy: the older one removed.
    report.unlink()
    assert values(the_report(folder))[names.LUT] == 11_413


def test_a_top_that_takes_less_than_what_it_calls_is_refused(tmp_path):
    reports = hls4ml(tmp_path / "p", "Vivado") / "unet_prj/solution1/syn/report"
    write(reports / "unet_csynth.xml", profile("unet", lut=500))
    write(reports / "other_csynth.xml", profile("other", lut=501))
    with pytest.raises(StepError, match="other has 501 LUTs and that of the top function unet 500"):
        open_designs([tmp_path / "p"])


def test_the_tools_own_project_says_the_top(tmp_path):
    reports = hls4ml(tmp_path / "p", "Vivado") / "unet_prj/solution1/syn/report"
    write(reports / "unet_main_csynth.xml", profile("unet_main", lut=900))
    write(reports / "unet_csynth.xml", profile("unet", lut=800))
    app = write(tmp_path / "p/unet_prj/vivado_hls.app",
                '<AutoPilot:project xmlns:AutoPilot="com.autoesl.autopilot.project" name="unet_prj" top="unet_main"/>')
    assert values(the_report(tmp_path / "p"))[names.LUT] == 900
    app.unlink()
    write(tmp_path / "p/unet_prj/solution1/solution1_data.json", '{"Top": "unet"}')
    assert values(the_report(tmp_path / "p"))[names.LUT] == 800
    write(tmp_path / "p/unet_prj/solution1/solution1_data.json", '{"Top": "absent"}')
    with pytest.raises(StepError, match="top function 'absent' and has no report of it"):
        open_designs([tmp_path / "p"])


def test_seconds_are_those_of_the_clock_that_is_reached(tmp_path):
    folder = hls4ml(tmp_path / "p", "Vitis", clock=2.5)
    report = profile(version="2022.2", target="2.50", estimate="18.982", latency=14_404, interval=14_403)
    write(folder / "unet_prj/solution1/syn/report/csynth.xml", report)
    cosim = "| Verilog | Pass | 14404 | 14404 | 14404 | 14403 | 14403 | 14403 |"
    write(folder / "unet_prj/solution1/sim/report/unet_cosim.rpt", cosim)
    for source in (Source.CSYNTH, Source.COSIM):
        found = values(the_report(folder), source)
        # As the tool says it: 0.273 ms, 3,658 frames a second; not 36.0 us and 27,772.
        assert found[names.LATENCY_S_MAX] == pytest.approx(14_404 * 18.982e-9)
        assert round(found[names.FRAMES_PER_S]) == 3_658
    (design,) = open_designs([folder])
    rows = {row.name: row.cells[0] for row in compare([design]).headline}
    assert rows[names.CLOCK_TARGET_NS].figure.value == 2.5
    assert (rows[names.CLOCK_ESTIMATE_NS].figure.value, rows[names.CLOCK_ESTIMATE_NS].missed) == (18.982, True)
    assert "18.98!" in markdown(compare([design]))
    assert "misses the clock" in page(compare([design]))
    assert "! is longer than the clock aimed at" in "\n".join(map(str, overview(compare([design])).renderables[1:]))


def test_the_clock_is_the_one_that_the_reports_were_made_for(tmp_path):
    # The configuration was changed since.
    folder = hls4ml(tmp_path / "p", clock=5.0)
    write(folder / "unet_prj/solution1/syn/report/csynth.xml", profile(version="2022.2", target="3.00", estimate="2.1"))
    write(folder / "unet_prj/solution1/sim/report/unet_cosim.rpt", "| Verilog | Pass | 9 | 9 | 9 | 8 | 8 | 8 |")
    report = the_report(folder)
    assert report.target.clock_ns == 3.0
    assert values(report, Source.COSIM)[names.LATENCY_S_MAX] == pytest.approx(27e-9)


def test_a_clock_that_is_met_is_not_marked(tmp_path):
    folder = wrapped(tmp_path / "p")
    comparison = compare(open_designs([folder]))
    assert not any(row.cells[0].missed for row in comparison.every)
    assert "misses the clock" not in page(comparison)
    assert values(the_report(folder))[names.LATENCY_S_MAX] == pytest.approx(7_113 * 5e-9)


@pytest.mark.parametrize(("backend", "where", "top"), [
    ("VitisAccelerator", "build_hw_rel/xo/unet_kernel/unet/solution", "kernel_wrapper"),
    ("VitisAccelerator", "build/xo/kernel/solution", "kernel_wrapper"),
    ("VitisUnified", "vitis_workspace/unet/vitis_unified_project/hls", "unet_axi_stream"),
    ("VitisUnified", "vitis_workspace/unet/vitis_unified_project/hls", "unet_axi_master"),
    ("Vitis", "solution1", "unet"),
    ("Vitis", "", "unet"),
])
@pytest.mark.parametrize("whole", [True, False])
def test_reports_are_found_wherever_a_backend_leaves_them(tmp_path, backend, where, top, whole):
    reports = hls4ml(tmp_path / "p", backend) / where / "syn" / "report"
    inside = (("conv_config2_s", 5_001), ("relu_config3_s", 401))
    more = hierarchy(("unet", 9_000), ("load", 77), inside=inside) if top != "unet" else hierarchy(*inside)
    content = profile(top, version="2024.2", more=more)
    write(reports / f"{top}_csynth.xml", content)
    if whole:
        write(reports / "csynth.xml", content)
    write(tmp_path / "p/firmware/unet.cpp",
          "nnet::conv<input_t, config2>(a, b); // conv\nnnet::relu<x_t, relu_config3>(b, c); // act\n")
    report = the_report(tmp_path / "p")
    assert values(report)[names.LUT] == 11_413
    layers = {layer.name: layer.figure(names.LUT).value for layer in report.layers}
    # The layers are seen through the wrapper, and the function that it wraps is none of them.
    assert layers == {"conv": 5_001, "act": 401, **({"load": 77} if top != "unet" else {})}
    assert all(not Path(path).is_absolute() for path in report.files.values())


def test_an_accelerators_co_simulation_is_of_its_wrapper(tmp_path):
    reports = wrapped(tmp_path / "p") / "unet_prj/solution1/sim/report"
    write(reports / "unet_axi_cosim.rpt", "| Verilog | Pass | 7105 | 7105 | 7105 | 7106 | 7106 | 7106 |")
    write(reports / "unet_cosim.rpt", "| Verilog | Pass | 2 | 2 | 2 | 1 | 1 | 1 |")
    found = values(the_report(tmp_path / "p"), Source.COSIM)
    assert (found[names.LATENCY_CYCLES_MAX], found[names.INTERVAL_CYCLES_MAX]) == (7_105, 7_106)


def test_a_unified_projects_co_simulation_is_of_its_wrapper(tmp_path):
    hls = hls4ml(tmp_path / "p", "VitisUnified") / "vitis_workspace/unet/vitis_unified_project/hls"
    write(hls / "syn/report/csynth.xml", profile("unet_axi_stream", version="2024.2"))
    write(hls / "sim/report/unet_axi_stream_cosim.rpt", "| Verilog | Pass | 9 | 9 | 9 | 0 | 0 | 0 |")
    found = values(the_report(tmp_path / "p"), Source.COSIM)
    # An interval of 0 says that there was one transaction.
    assert (found[names.LATENCY_CYCLES_MAX], names.INTERVAL_CYCLES_MAX in found) == (9, False)


def test_reports_beside_the_folder_of_the_configuration(tmp_path):
    folder = hls4ml(tmp_path / "repo" / "source")
    write(tmp_path / "repo/unet_prj/solution1/syn/report/csynth.xml", profile(version="2023.1"))
    report = the_report(folder)
    assert values(report)[names.LUT] == 11_413
    assert report.files["csynth.xml"] == "../unet_prj/solution1/syn/report/csynth.xml"


def test_reports_of_another_function_are_refused(tmp_path):
    folder = hls4ml(tmp_path / "p")
    write(folder / "unet_prj/solution1/syn/report/csynth.xml", profile("other", version="2022.2"))
    with pytest.raises(StepError, match=r"project of the function unet and its reports, in .*, are of other") as caught:
        open_designs([folder])
    assert values(the_report(re.search(r"in (\S+),", str(caught.value)).group(1)))[names.LUT] == 11_413


def test_reports_of_a_project_inside_are_not_those_of_the_one_outside(tmp_path):
    inner = hls4ml(hls4ml(tmp_path / "p") / "old")
    write(inner / "unet_prj/solution1/syn/report/csynth.xml", profile(version="2022.2"))
    with pytest.raises(StepError, match="no tool has left a report in"):
        open_designs([tmp_path / "p"])
    assert values(the_report(inner))[names.LUT] == 11_413


@pytest.mark.parametrize("named", ["", "prj", "prj/solution1", "prj/solution1/syn", "prj/solution1/syn/report",
                                   "prj/solution1/syn/report/csynth.xml"])
@pytest.mark.parametrize(("version", "tool"), [("2019.2.1", "Vivado HLS"), ("2020.1", "Vivado HLS"),
                                               ("2020.2", "Vitis HLS"), ("2025.1", "Vitis HLS"), ("", "Vitis HLS")])
def test_a_folder_without_a_configuration(tmp_path, named, version, tool):
    write(tmp_path / "prj/solution1/syn/report/csynth.xml", profile("main", version=version, target="4.00"))
    report = the_report(tmp_path / named)
    assert (report.name, report.target.part, report.target.clock_ns) == ("main", "xczu7ev-ffvc1156-2-e", 4.0)
    assert {(figure.tool, figure.tool_version, figure.subject) for figure in report.figures} == {
        (tool, version, Subject.CPP)}


def test_old_reports_without_a_configuration_tell_the_top_by_its_size(tmp_path):
    folder = wrapped(tmp_path / "p", whole=False)
    (folder / "hls4ml_config.yml").unlink()
    assert the_report(folder).name == "unet_axi"
    write(folder / "unet_prj/solution1/syn/report/unet_csynth.xml", profile("unet"))
    with pytest.raises(StepError, match="3 functions and none says which is the top"):
        open_designs([folder])


def test_a_function_that_is_not_the_top_is_no_design(tmp_path):
    reports = wrapped(tmp_path / "p") / "unet_prj/solution1/syn/report"
    assert values(the_report(reports / "unet_axi_csynth.xml"))[names.LUT] == 11_413
    with pytest.raises(ConfigurationError, match=r"one function of a design of the top unet_axi; name /.*/report\."):
        open_designs([reports / "unet_csynth.xml"])


@pytest.mark.parametrize("configured", [True, False])
def test_of_several_solutions_one_must_be_named(tmp_path, configured):
    folder = hls4ml(tmp_path / "p") if configured else tmp_path / "p"
    for i in (1, 2):
        write(folder / f"unet_prj/solution{i}/syn/report/csynth.xml", profile(version="2022.2", lut=1_000 * i))
    with pytest.raises(StepError, match=r"2 solutions \(.*solution1, .*solution2\); name one") as caught:
        open_designs([folder])
    one = re.search(r", (\S+solution2)\)", str(caught.value)).group(1)
    assert values(the_report(one))[names.LUT] == 2_000


def test_what_vivado_mapped_of_the_function_alone_is_told_apart(tmp_path):
    # hls4ml's script maps the network's function, where C-synthesis was of that in its wrapper.
    folder = wrapped(tmp_path / "p")
    shutil.copy(FIXTURES / "vivado/usplus_2022.2_utilization.rpt", folder / "vivado_synth.rpt")
    report = the_report(folder)
    assert report.figure(names.LUT, Source.ROUTED).tool == "Vivado, unet alone"
    (folder / "hls4ml_config.yml").write_text((folder / "hls4ml_config.yml").read_text())
    text = (folder / "vivado_synth.rpt").read_text().replace("Design       : unet", "Design       : unet_axi")
    (folder / "vivado_synth.rpt").write_text(text)
    assert the_report(folder).figure(names.LUT, Source.ROUTED).tool == "Vivado"


@pytest.mark.parametrize("text", ["undef", "-", "?", "", "~0"])
def test_what_the_tool_could_not_bound_stays_unknown(tmp_path, text):
    write(tmp_path / "syn/report/csynth.xml", profile(latency=text, interval=text, version="2022.2"))
    found = values(the_report(tmp_path))
    assert found[names.LUT] == 11_413
    assert not {names.LATENCY_CYCLES_MAX, names.INTERVAL_CYCLES_MAX, names.FRAMES_PER_S} & set(found)


@pytest.mark.parametrize("change", [{"lut": "9" * 400}, {"lut": "9" * 9_000}, {"interval": "9" * 400},
                                    {"target": "1e-200"}, {"estimate": "1e300"}, {"top": "../../etc/passwd"},
                                    {"top": "a" * 300}])
def test_what_no_design_has_is_one_sentence(tmp_path, change):
    write(tmp_path / "syn/report/csynth.xml", profile(**{"version": "2022.2", **change}))
    with pytest.raises(QuantUNetError) as caught:
        open_designs([tmp_path])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("place", ["syn/report/csynth.xml", "syn/report/unet_csynth.xml", "sim/report/unet_cosim.rpt",
                                   "vivado_synth.rpt", "hls.app", "solution1_data.json"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "empty"])
def test_what_is_no_file_is_one_sentence_and_nobody_waits(tmp_path, place, kind):
    solution = hls4ml(tmp_path / "p", "Vivado") / "unet_prj" / "solution1"
    write(solution / "syn/report/unet_x_csynth.xml", profile("unet_x"))
    path = {"vivado_synth.rpt": tmp_path / "p", "hls.app": solution.parent}.get(place, solution) / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.touch()
    # The tool's own project only helps where it is a file.
    helps = place in ("hls.app", "solution1_data.json") and kind != "empty"
    with nullcontext() if helps else pytest.raises(QuantUNetError) as caught:
        open_designs([tmp_path / "p"])
    assert helps or "\n" not in str(caught.value)


def test_a_folder_of_too_many_folders_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("quantunet_hls.reports.parsers.solutions._MOST_FOLDERS", 10)
    for i in range(20):
        (tmp_path / str(i)).mkdir()
    with pytest.raises(ConfigurationError, match="name the folder of the project itself"):
        open_designs([tmp_path])


def test_links_are_not_followed(tmp_path):
    write(tmp_path / "elsewhere/syn/report/csynth.xml", profile())
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "p" / "loop").symlink_to(tmp_path / "p")
    with pytest.raises(ConfigurationError, match="neither a report nor a project"):
        open_designs([tmp_path / "p"])


@pytest.mark.parametrize("part", ['"\\ud800"', '"a\\nb"', "[1]", "1"])
def test_a_part_that_cant_be_shown_is_one_sentence(tmp_path, part):
    folder = wrapped(tmp_path / "p")
    config = (folder / "hls4ml_config.yml").read_text()
    (folder / "hls4ml_config.yml").write_text(config.replace("xczu7ev-ffvc1156-2-e", part))
    with pytest.raises(ConfigurationError, match="a Part that can't be one"):
        open_designs([folder])


def test_an_older_projects_part(tmp_path):
    folder = hls4ml(tmp_path / "p")
    config = folder / "hls4ml_config.yml"
    config.write_text(config.read_text().replace("Part:", "XilinxPart:"))
    shutil.copytree(FIXTURES / "vitis_hls_2022.2/solution1/sim", folder / "unet_prj/solution1/sim")
    assert the_report(folder).target.part == "xczu7ev-ffvc1156-2-e"
