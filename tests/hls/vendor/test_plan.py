import json
from dataclasses import replace
from pathlib import Path

import pytest

from quantunet_hls.core.errors import StepError, UnknownNameError
from quantunet_hls.hls.vendor import Phase, Tool, make_plan, phases_needed

HLS = Tool("vitis-run", Path("/opt/vitis-run"), "2024.2")
VIVADO = Tool("vivado", Path("/opt/vivado"), "2024.2")


def digests(bench, project=None, hls=HLS, vivado=VIVADO) -> dict[Phase, str]:
    plan = make_plan(project or bench.project, list(Phase), hls, vivado)
    return {call.phase: call.key.digest for call in plan.calls}


@pytest.mark.parametrize(
    ("asked", "needed"),
    [
        ([], []),
        (["csim"], ["csim"]),
        (["cosim", "csim"], ["csim", "csynth", "cosim"]),
        (["export"], ["csynth", "export"]),
        (["implement"], ["csynth", "vsynth", "implement"]),
        (list(Phase), ["csim", "csynth", "cosim", "export", "vsynth", "implement"]),
    ],
)
def test_a_phase_brings_what_it_needs(asked, needed):
    assert phases_needed(asked) == needed


def test_an_unknown_phase_names_the_nearest():
    with pytest.raises(UnknownNameError, match="csynth"):
        phases_needed(["synth"])


def test_a_plan_is_the_same_twice_and_on_another_machine(bench):
    assert digests(bench) == digests(bench)
    elsewhere = replace(HLS, path=Path("/home/another/vitis-run"))
    assert digests(bench, hls=elsewhere) == digests(bench)


EVERYTHING = set(Phase)
BENCH = {Phase.CSIM, Phase.COSIM}
VIVADOS = {Phase.VSYNTH, Phase.IMPLEMENT}


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("firmware/unet.cpp", EVERYTHING),
        ("firmware/weights/w2.txt", EVERYTHING),
        ("firmware/new.h", EVERYTHING),
        ("unet_test.cpp", BENCH),
        ("tb_data/tb_input_features.dat", BENCH),
        ("tb_data/csim_results.log", set()),
        ("firmware/unet-1a2b.so", set()),
        ("notes.txt", set()),
    ],
)
def test_a_digest_changes_with_what_its_phase_reads_and_with_nothing_else(bench, path, changed):
    before = digests(bench)
    with (bench.folder / path).open("a") as file:
        file.write("more")
    after = digests(bench)
    assert {phase for phase in Phase if before[phase] != after[phase]} == changed


@pytest.mark.parametrize("change", [{"clock_ns": 4.0}, {"part": "xczu9eg-ffvb1156-2-e"}, {"uncertainty": "1"}])
def test_every_setting_is_in_the_digest(bench, change):
    before, after = digests(bench), digests(bench, replace(bench.project, **change))
    assert all(before[phase] != after[phase] for phase in Phase)


def test_the_version_of_a_tool_is_in_the_digest(bench):
    before = digests(bench)
    newer = digests(bench, vivado=replace(VIVADO, version="2025.1"))
    assert {phase for phase in Phase if before[phase] != newer[phase]} == VIVADOS
    newer = digests(bench, hls=replace(HLS, version="2025.1"))
    assert {phase for phase in Phase if before[phase] != newer[phase]} == EVERYTHING


def test_what_is_removed_and_what_is_made_lies_inside_the_project(bench):
    for call in make_plan(bench.project, list(Phase), HLS, VIVADO).calls:
        for path in (*call.clears, *call.outputs, *call.files):
            assert (bench.folder / path).resolve().is_relative_to(bench.folder.resolve())
            assert (bench.folder / path).resolve() != bench.folder.resolve()


def test_no_call_removes_what_another_needs(bench):
    calls = make_plan(bench.project, list(Phase), HLS, VIVADO).calls
    for i, call in enumerate(calls):
        earlier = {Path(output) for before in calls[:i] for output in before.outputs}
        removed = {Path(path) for path in call.clears}
        assert not any(output.is_relative_to(path) for output in earlier for path in removed)


def test_the_folder_is_in_no_script_and_no_argument(bench):
    for call in make_plan(bench.project, list(Phase), HLS, VIVADO).calls:
        assert str(bench.folder) not in json.dumps([dict(call.files), call.arguments])


def test_a_project_that_is_not_there_can_not_be_planned(bench):
    (bench.folder / "unet_test.cpp").unlink()
    with pytest.raises(StepError, match="unet_test"):
        make_plan(bench.project, [Phase.CSIM], HLS, None)
