import json
from pathlib import Path

import pytest

from quantunet_hls.core.errors import ConfigurationError, StepError, UnknownNameError
from quantunet_hls.core.steps import Step, earlier_ledger, run_steps
from quantunet_hls.core.store import content


class Counting:
    """Three steps, each appending its name to the text of the one before it."""

    def __init__(self, folder: Path, source: str = "source", fail: str = ""):
        self.folder, self.source, self.fail, self.ran, self.tools = folder, source, fail, [], {"tool": "1"}

    def steps(self):
        def step(name, before):
            out = self.folder / f"{name}.txt"

            def action():
                self.ran.append(name)
                if name == self.fail:
                    raise RuntimeError(name)
                out.write_text(f"{before.read_text() if before else self.source}>{name}")
            return Step(name, name, lambda: {"before": content(before) if before else self.source}, (out,), action,
                        ("quantunet_hls.core.errors",), lambda: self.tools)

        a, b = step("a", None), step("b", self.folder / "a.txt")
        return [a, b, step("c", self.folder / "b.txt")]

    def run(self, **options):
        self.ran = []
        return [(outcome.step.name, outcome.cached) for outcome in
                run_steps(self.steps(), self.folder / "steps.json", **options)]


def test_a_second_run_does_nothing(tmp_path):
    flow = Counting(tmp_path)
    assert flow.run() == [("a", False), ("b", False), ("c", False)]
    assert flow.run() == [("a", True), ("b", True), ("c", True)]
    assert flow.ran == []
    assert (tmp_path / "c.txt").read_text() == "source>a>b>c"


def test_another_input_runs_all_that_depends_on_it(tmp_path):
    Counting(tmp_path).run()
    assert Counting(tmp_path, "other").run() == [("a", False), ("b", False), ("c", False)]


@pytest.mark.parametrize("damage", [lambda path: path.write_text("altered"), lambda path: path.unlink()])
def test_an_output_that_was_altered_or_removed_is_made_again(tmp_path, damage):
    flow = Counting(tmp_path)
    flow.run()
    damage(tmp_path / "b.txt")
    assert flow.run() == [("a", True), ("b", False), ("c", True)]


def test_a_failed_step_runs_again_from_its_start(tmp_path):
    flow = Counting(tmp_path, fail="b")
    with pytest.raises(RuntimeError):
        flow.run()
    assert Counting(tmp_path).run() == [("a", True), ("b", False), ("c", False)]


def test_first_and_last(tmp_path):
    flow = Counting(tmp_path)
    assert flow.run(last="b") == [("a", False), ("b", False)]
    assert flow.run(first="b", last="b") == [("a", True), ("b", False)]
    with pytest.raises(StepError, match=r"Step 'a' has not been done for this input.*start at 'a' or earlier"):
        Counting(tmp_path, "other").run(first="c")


@pytest.mark.parametrize("options", [{"first": "d"}, {"last": ""}, {"last": "B"}])
def test_an_unknown_step_is_told_with_the_nearest(tmp_path, options):
    with pytest.raises(UnknownNameError, match="There is no step named"):
        Counting(tmp_path).run(**options)


def test_the_wrong_way_round(tmp_path):
    with pytest.raises(ConfigurationError, match="swap --from and --to"):
        Counting(tmp_path).run(first="c", last="a")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', "\x00", '{"a": {"key": null}}'])
def test_a_damaged_ledger_costs_time_and_nothing_else(tmp_path, text):
    flow = Counting(tmp_path)
    flow.run()
    (tmp_path / "steps.json").write_text(text)
    assert flow.run() == [("a", False), ("b", False), ("c", False)]
    assert [entry["name"] for entry in json.loads((tmp_path / "steps.json").read_text())["made"]] == ["a", "b", "c"]


def test_another_version_of_a_tool_runs_its_steps(tmp_path):
    flow = Counting(tmp_path)
    flow.run()
    flow.tools = {"tool": "2"}
    assert flow.run() == [("a", False), ("b", False), ("c", False)]


STEPS = ("a", "b", "c")


def test_the_ledger_of_an_earlier_version_is_known_and_any_other_file_is_not(tmp_path):
    ledger = tmp_path / "steps.json"
    assert not earlier_ledger(tmp_path, ledger, STEPS)
    (tmp_path / "a.txt").touch()
    ledger.write_text('{"a": {"key": "0", "outputs": {"a.txt": "0"}}}')
    assert earlier_ledger(tmp_path, ledger, STEPS)
    assert not earlier_ledger(tmp_path, ledger, ("b", "c"))
    for text in ("", "[]", "{}", '{"a": 1}', '{"a": {}}', "\x00"):
        ledger.write_text(text)
        assert not earlier_ledger(tmp_path, ledger, STEPS)


def test_a_run_that_was_killed_in_its_first_step_is_known(tmp_path):
    (tmp_path / "steps.json").write_text("{}")
    (tmp_path / ".lock").touch()
    assert earlier_ledger(tmp_path, tmp_path / "steps.json", STEPS)
