"""The flow as data: which steps there are, and what each is made by."""

from dataclasses import replace

import pytest

from quantunet_hls.core.code_key import modules_behind
from quantunet_hls.flow.flow import steps_of
from quantunet_hls.flow.resolve import resolve
from quantunet_hls.flow.spec import DesignSpec
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.reports.merge import PARTS
from tests.builders import small_unet


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    (folder / "net.onnx").write_bytes(small_unet().proto("t16").SerializeToString())
    return DesignSpec(folder / "net.onnx", "kv260", toolchain="open", projects=folder, reports=folder)


def made(spec):
    return {step.name: step for step in steps_of(resolve(spec))}


@pytest.fixture(scope="module")
def steps(spec):
    return made(spec)


def test_the_steps_are_those_that_can_be_named(steps):
    assert tuple(steps) == STEPS
    for name in PARTS:
        assert any(path.name == f"{name}.json" for path in steps[name].outputs)


def test_a_step_is_made_by_a_module_of_its_own(steps):
    assert {name: step.makers[0] for name, step in steps.items()} == {
        name: f"quantunet_hls.flow.steps.{name}" for name in STEPS}


@pytest.mark.parametrize("name", ["export", "ingest", "csim", "report"])
def test_no_change_of_the_rtl_reruns_a_step_that_has_none(steps, name):
    behind = modules_behind(*steps[name].makers)
    assert not [module for module in behind if module.startswith("quantunet_hls.rtl")]


@pytest.mark.parametrize("name", ["export", "ingest", "csim", "accuracy", "report"])
def test_no_change_of_what_tables_look_like_reruns_a_step_that_shows_none(steps, name):
    assert "quantunet_hls.reports.render" not in modules_behind(*steps[name].makers)


def test_no_change_of_the_screen_the_sweep_or_the_options_reruns_a_step(steps):
    for step in steps.values():
        behind = modules_behind(*step.makers)
        for room in ("cli", "sweep", "compare", "flow.spec", "flow.resolve", "flow.accelerator"):
            assert not [module for module in behind if module.startswith(f"quantunet_hls.{room}")], (step.name, room)


@pytest.mark.parametrize(("changes", "rerun"), [
    ({"images": 2}, {"csim", "rtl", "netlist", "report"}),
    ({"multiplier_budget": 8}, {"project", "rtl", "synthesis", "netlist", "place", "report"}),
    ({"arithmetic": "lut"}, {"project", "rtl", "synthesis", "netlist", "place", "report"}),
    ({"stages": ("csynth", "cosim")}, {"synthesis", "report"}),
    ({"netlist": "all"}, {"netlist", "report"}),
    ({"rtl": "layers"}, {"rtl", "netlist", "report"}),
    ({"image_minutes": 50.0}, set()),
    ({"folds": (1,)}, {"accuracy", "report"}),
    ({"output": "mask"}, set(STEPS)),
    ({"first": "csim", "last": "rtl"}, set()),
])
def test_an_option_goes_into_the_steps_that_use_it(spec, steps, changes, rerun):
    changed = made(replace(spec, **changes))
    assert {name for name in STEPS if changed[name].inputs() != steps[name].inputs()} == rerun
