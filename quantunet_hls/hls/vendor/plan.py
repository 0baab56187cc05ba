"""What a build will do, as data: it can be looked at, hashed and tested without any tool."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from quantunet_hls.core.errors import UnknownNameError
from quantunet_hls.core.files import sha256_file
from quantunet_hls.core.store import Key, key_of
from quantunet_hls.hls.vendor import scripts
from quantunet_hls.hls.vendor.discover import Tool
from quantunet_hls.hls.vendor.project import HlsProject

__all__ = ["BuildPlan", "Phase", "ToolCall", "make_plan", "phases_needed"]


class Phase(StrEnum):
    """What the vendor's tools can be asked for, in the order they run."""

    CSIM = "csim"
    CSYNTH = "csynth"
    COSIM = "cosim"
    EXPORT = "export"
    VSYNTH = "vsynth"
    IMPLEMENT = "implement"


_NEEDS = {
    Phase.COSIM: Phase.CSYNTH,
    Phase.EXPORT: Phase.CSYNTH,
    Phase.VSYNTH: Phase.CSYNTH,
    Phase.IMPLEMENT: Phase.VSYNTH,
}
_WITH_TEST_BENCH = (Phase.CSIM, Phase.COSIM)
_IN_VIVADO = (Phase.VSYNTH, Phase.IMPLEMENT)

# What g++ made of the sources for this machine's own simulation is no input of the vendor's tools.
_BUILT = (".so", ".o")


@dataclass(frozen=True)
class ToolCall:
    """One call of one tool. All paths are relative to the project's folder.

    Attributes:
        phase: that it does.
        tool: that it calls.
        arguments: that it calls the tool with.
        files: path to text, of the files to write before.
        clears: paths to remove before, so that nothing old can pass for a result.
        outputs: paths that must be there afterwards.
        done_line: that the tool must have printed.
        key: all that the result depends on: inputs, scripts, the tool's version, earlier calls.
    """

    phase: Phase
    tool: Tool
    arguments: tuple[str, ...]
    files: Mapping[str, str]
    clears: tuple[str, ...]
    outputs: tuple[str, ...]
    done_line: str
    key: Key


@dataclass(frozen=True)
class BuildPlan:
    """The calls of a build in order, each after those that it needs."""

    project: HlsProject
    calls: tuple[ToolCall, ...]


def phases_needed(asked: Iterable[str]) -> list[Phase]:
    """The phases asked for with those that they need, in the order they run.

    Raises:
        UnknownNameError: a phase that does not exist.
    """
    needed: set[Phase] = set()
    for name in asked:
        if name not in list(Phase):
            raise UnknownNameError("phase", name, list(Phase))
        phase: Phase | None = Phase(name)
        while phase is not None:
            needed.add(phase)
            phase = _NEEDS.get(phase)
    return [phase for phase in Phase if phase in needed]


def make_plan(project: HlsProject, phases: Collection[Phase], hls: Tool | None, vivado: Tool | None) -> BuildPlan:
    """The plan of a build.

    Args:
        project: on disk; its sources are hashed.
        phases: as :func:`phases_needed` gives them.
        hls: the HLS tool; needed for all phases but those of Vivado.
        vivado: needed for its own phases.

    Raises:
        StepError: where the project has not been written.
    """
    project.require()
    sources = _hashes(project, ["firmware"], [])
    with_bench = _hashes(project, ["firmware", "tb_data"], [project.test_bench])
    keys: dict[Phase, Key] = {}
    calls = []
    for phase in phases:
        tool = vivado if phase in _IN_VIVADO else hls
        if tool is None:
            raise ValueError(f"the phase {phase} was planned without its tool")
        script = f"quantunet_build_{phase}.tcl"
        files = _files(project, phase, script)
        arguments = tool.arguments(script)
        needs = _NEEDS.get(phase)
        inputs = {"command": [tool.name, *arguments], "files": files, "after": keys[needs].digest if needs else None,
                  "sources": with_bench if phase in _WITH_TEST_BENCH else sources}
        # All that this package's code has to do with the result are the texts of the files.
        keys[phase] = key_of(inputs, (), {tool.title: tool.version})
        calls.append(
            ToolCall(
                phase=phase,
                tool=tool,
                arguments=arguments,
                files=files,
                clears=_clears(project, phase),
                outputs=_outputs(project, phase),
                done_line=scripts.done_line(phase),
                key=keys[phase],
            )
        )
    return BuildPlan(project, tuple(calls))


def _hashes(project: HlsProject, folders: Iterable[str], files: Iterable[str]) -> dict[str, str]:
    paths = [project.folder / name for name in files]
    for folder in folders:
        paths += (project.folder / folder).rglob("*")
    # The logs in tb_data are results, and the vendor's tools leave links to them behind.
    inputs = (path for path in paths if path.is_file() and path.suffix not in _BUILT and path.suffix != ".log")
    return {path.relative_to(project.folder).as_posix(): sha256_file(path) for path in sorted(inputs)}


def _files(project: HlsProject, phase: Phase, script: str) -> dict[str, str]:
    if phase is Phase.VSYNTH:
        constraint = "quantunet_clock.xdc"
        return {
            constraint: scripts.clock_constraint(project),
            script: scripts.synth_script(project, constraint),
        }
    if phase is Phase.IMPLEMENT:
        return {script: scripts.implement_script()}
    return {script: scripts.hls_script(project, phase)}


def _clears(project: HlsProject, phase: Phase) -> tuple[str, ...]:
    return {
        Phase.CSIM: (scripts.CSIM_PROJECT, "tb_data/csim_results.log"),
        Phase.CSYNTH: (project.hls_project,),
        Phase.COSIM: (f"{project.solution}/sim", "tb_data/rtl_cosim_results.log"),
        Phase.EXPORT: (f"{project.solution}/impl",),
        Phase.VSYNTH: (scripts.RESULTS,),
        Phase.IMPLEMENT: tuple(_vivado_outputs("routed")),
    }[phase]


def _outputs(project: HlsProject, phase: Phase) -> tuple[str, ...]:
    return {
        Phase.CSIM: ("tb_data/csim_results.log",),
        Phase.CSYNTH: (f"{project.solution}/syn/report/{project.name}_csynth.xml", f"{project.solution}/syn/verilog"),
        Phase.COSIM: (f"{project.solution}/sim/report/{project.name}_cosim.rpt",),
        Phase.EXPORT: (f"{project.solution}/impl/ip/component.xml",),
        Phase.VSYNTH: tuple(_vivado_outputs("synth")),
        Phase.IMPLEMENT: tuple(_vivado_outputs("routed")),
    }[phase]


def _vivado_outputs(prefix: str) -> list[str]:
    names = (f"{prefix}_utilization.rpt", f"{prefix}_hierarchy.rpt", f"{prefix}_timing.rpt", f"{prefix}.dcp")
    return [f"{scripts.RESULTS}/{name}" for name in names]
