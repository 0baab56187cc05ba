"""What HLS tools left in a project's folder, whoever built it: the reports of one solution, read together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from quantunet_hls.core.errors import StepError
from quantunet_hls.reports import names
from quantunet_hls.reports.figure import Figure, Subject, stated
from quantunet_hls.reports.parsers.cosim import read_cosim
from quantunet_hls.reports.parsers.foreign import read_text
from quantunet_hls.reports.parsers.found import Found
from quantunet_hls.reports.parsers.layers import by_layer, layers_in_source
from quantunet_hls.reports.parsers.vitis import Synthesis, read_csynth
from quantunet_hls.reports.parsers.vivado import parse_utilization
from quantunet_hls.reports.schema import Network, Report

__all__ = ["Project", "read_folder", "report_of", "the_only"]

#: What hls4ml's own Tcl script calls the report of Vivado's synthesis.
_VIVADO_REPORT = "vivado_synth.rpt"

# What the backend VitisAccelerator calls the function around the network's.
_KERNEL = "kernel_wrapper"


@dataclass(frozen=True)
class Project:
    """What a project says of itself.

    Attributes:
        folder: of the project.
        name: of the function that it is about, "" where only the reports tell.
        tool: name of the HLS tool, "" where only its version tells.
        part: that it is for, "" where only the reports tell.
        clock_ns: period aimed at, 0 where only the reports tell.
    """

    folder: Path
    name: str = ""
    tool: str = ""
    part: str = ""
    clock_ns: float = 0


def read_folder(folder: Path, solutions: Sequence[Path]) -> Report:
    """A report from a folder that holds HLS reports and no configuration; the reports tell the rest.

    Raises:
        StepError: several solutions, a damaged report, or a failed co-simulation.
    """
    return report_of(Project(folder), the_only(solutions, folder))


def the_only(solutions: Sequence[Path], folder: Path) -> Path | None:
    """The one solution that a folder holds, None where it holds none.

    Raises:
        StepError: where it holds several, for which of them is the design nobody says.
    """
    if len(solutions) > 1:
        few = ", ".join(str(path) for path in solutions[:3])
        more = f" and {len(solutions) - 3} more" if len(solutions) > 3 else ""
        raise StepError(f"{folder} holds reports of {len(solutions)} solutions ({few}{more}); name one of them.")
    return solutions[0] if solutions else None


def report_of(project: Project, solution: Path | None) -> Report:
    """A report of what C-synthesis, co-simulation and Vivado's synthesis left of one solution.

    Raises:
        StepError: nothing was left, a damaged report, or a failed co-simulation.
    """
    folder = project.folder
    synthesis = None if solution is None else read_csynth(solution, project.name, project.tool)
    figures: list[Figure] = []
    files: list[Path] = []
    if synthesis is not None:
        if project.name and not _is_of(synthesis.top, project.name):
            raise StepError(f"{folder} is a project of the function {project.name} and its reports, in {solution}, are "
                            f"of {synthesis.top[:80]}; name the folder of the reports.")
        figures += synthesis.figures
        files += synthesis.files
    for found, path in (*_cosimulation(project, solution, synthesis), *_mapped(project, synthesis)):
        figures += found
        files.append(path)
    if not files:
        raise StepError(f"{folder} is an hls4ml project that no tool has left a report in; "
                        "run its C-synthesis, then compare it.")
    name = project.name or (synthesis.top if synthesis is not None else "") or folder.resolve().name
    # What the reports say was synthesized; a configuration may have been changed since.
    part, aimed = (synthesis.part, synthesis.figure(names.CLOCK_TARGET_NS)) if synthesis is not None else ("", None)
    modules = [(f"{module.instance} {module.name}".strip(), module.figures)
               for module in (synthesis.modules if synthesis is not None else ())]
    return Found(Network(name), part or project.part, aimed or project.clock_ns, tuple(figures), tuple(files),
                 by_layer(modules, _layers(folder, name))).report(folder)


def _cosimulation(project: Project, solution: Path | None,
                  synthesis: Synthesis | None) -> Iterator[tuple[tuple[Figure, ...], Path]]:
    """Figures and report of the co-simulation, where there was one."""
    simulated = "" if solution is None else _simulated(solution, synthesis.top if synthesis else project.name)
    if solution is None or not simulated:
        return
    tool, version, period = project.tool or "Vitis HLS", "", project.clock_ns
    if synthesis is not None:
        tool, version, period = synthesis.tool, synthesis.tool_version, synthesis.period_ns or period
    simulation = read_cosim(solution, simulated, period, tool, version)
    if simulation is not None and not simulation.passed:
        raise StepError(
            f"Co-simulation of {project.folder} did not pass, so its figures are worth nothing; mend it first.")
    yield simulation.figures if simulation is not None else (), solution / "sim" / "report" / f"{simulated}_cosim.rpt"


def _mapped(project: Project, synthesis: Synthesis | None) -> Iterator[tuple[tuple[Figure, ...], Path]]:
    """Figures and report of Vivado's synthesis, where there was one."""
    path = project.folder / _VIVADO_REPORT
    mapped = read_text(path)
    if mapped is None:
        return
    header, used = parse_utilization(mapped, str(path))
    used = stated(used, Subject.CPP)
    # hls4ml has Vivado map the network's function, where C-synthesis was of that with a wrapper around it.
    if synthesis is not None and header.design not in ("", synthesis.top):
        used = tuple(replace(each, tool=f"{each.tool}, {header.design} alone") for each in used)
    yield used, path


def _is_of(top: str, name: str) -> bool:
    """Whether a top function is a project's: the network's, or a wrapper that one of hls4ml's backends puts around."""
    return top in (name, _KERNEL) or top.startswith(f"{name}_")


def _simulated(solution: Path, top: str) -> str:
    """The function that was co-simulated: the top, or the only one with a report."""
    reports = sorted((solution / "sim" / "report").glob("*_cosim.rpt"))
    functions = [path.name.removesuffix("_cosim.rpt") for path in reports]
    if top in functions or len(functions) != 1:
        return top if top in functions else ""
    return functions[0]


def _layers(folder: Path, name: str) -> dict[str, int]:
    source = read_text(folder / "firmware" / f"{name}.cpp")
    return {} if source is None else layers_in_source(source.splitlines())
