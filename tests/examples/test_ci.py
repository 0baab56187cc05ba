"""The templates for users' CI: sound YAML, and every command in them one that the command line takes."""

import re
import shlex
from pathlib import Path
from string import Template

import click
import pytest
import yaml

from quantunet_hls import boards
from quantunet_hls.cli import quantunet_hls
from quantunet_hls.compare.rules import parse_rule
from quantunet_hls.flow.spec import TOOLCHAINS

FOLDER = Path(__file__).parents[2] / "examples" / "ci"


def load(name):
    return yaml.safe_load((FOLDER / name).read_text())


def scripts(name):
    """Environment and script lines of each job."""
    values = load(name)
    if name == "github.yml":
        for job in values["jobs"].values():
            yield values["env"], [step["run"] for step in job["steps"] if "run" in step]
    else:
        for job in values.values():
            if isinstance(job, dict) and "script" in job:
                yield values["variables"], job["script"]


def commands(name):
    """Every command line of ours, its variables filled in as a shell would."""
    for environment, lines in scripts(name):
        for line in "\n".join(lines).splitlines():
            words = shlex.split(Template(line).safe_substitute(environment))
            if words[:1] == ["quantunet-hls"]:
                yield words[1:]


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_every_command_is_one_that_the_command_line_takes(name):
    found = list(commands(name))
    assert [words[0] for words in found] == ["csim", "generate", "compare", "generate", "compare"]
    for words in found:
        context = click.Context(quantunet_hls)
        command = quantunet_hls.get_command(context, words[0])
        # Parses options, numbers and choices as the command itself would, and runs nothing.
        parsed = command.make_context(words[0], words[1:], parent=context).params
        if words[0] == "compare":
            assert all(parse_rule(rule) for rule in parsed["rules"])
            assert parsed["html"]
        else:
            assert parsed["board"] in boards.names()
            assert parsed.get("toolchain", "none") in TOOLCHAINS
    compared = [words for words in found if words[0] == "compare"]
    made = [words[words.index("--name") + 1] for words in found if words[0] == "generate"]
    assert [words[1:3] for words in compared] == [[f"committed=reports/reference/{design}.json",
                                                   f"new=reports/{design}.json"] for design in made]


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_variables_are_defined_or_the_systems_own(name):
    for environment, lines in scripts(name):
        used = set(re.findall(r"\$\{?(\w+)", "\n".join(lines)))
        assert used <= set(environment) | {"VITIS_SETTINGS", "GITHUB_STEP_SUMMARY"}


def test_the_github_jobs_are_sound():
    workflow = load("github.yml")
    # YAML 1.1, which GitHub does not read by, takes "on" for true.
    assert set(workflow[True]) == {"push", "workflow_dispatch"}
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])
        kept = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
        assert [step["if"] for step in kept] == ["always()"]
        assert ".html" in kept[0]["with"]["path"]
    assert "self-hosted" in workflow["jobs"]["vitis"]["runs-on"]


def test_the_gitlab_jobs_are_sound():
    pipeline = load("gitlab.yml")
    for name in ("open", "vitis"):
        assert pipeline[name]["stage"] in pipeline["stages"]
        assert pipeline[name]["artifacts"]["when"] == "always"
        assert any(path.endswith(".html") for path in pipeline[name]["artifacts"]["paths"])
    assert pipeline["vitis"]["tags"] == ["vitis"]
