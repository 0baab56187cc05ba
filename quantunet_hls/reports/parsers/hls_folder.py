"""What HLS tools left in a project's folder, whoever built it: the reports of one solution, read together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from quantunet_hls.core.errors import StepError
from quantunet_hls.core.files import read_bytes
from quantunet_hls.reports import names
from quantunet_hls.reports.parsers.cosim import read_cosim
from quantunet_hls.reports.parsers.layers import by_layer, layers_in_source
from quantunet_hls.reports.parsers.vitis import read_csynth
from quantunet_hls.reports.parsers.vivado import parse_utilization, read_text
from quantunet_hls.reports.schema import Figure, Network, Report, Subject, Target, stated

__all__ = ["Project", "read_folder", "report_of", "the_only"]

#: What hls4ml's own Tcl script calls the report of Vivado's synthesis.
_VIVADO_REPORT = "vivado_synth.rpt"

# What the backend VitisAccelerator calls the function around the network's.
_KERNEL = "kernel_wrapper"

#: The most bytes that the source of a top function may have; its weights stand elsewhere.
_LIMIT = 2**26


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
    figures: list[Figure] = []
    files: list[Path] = []
    modules: list[tuple[str, tuple[Figure, ...]]] = []
    part, clock_ns, top = project.part, project.clock_ns, project.name
    synthesis = None if solution is None else read_csynth(solution, project.name, project.tool)
    if synthesis is not None:
        part, top = synthesis.part or part, synthesis.top
        if project.name and not _is_of(top, project.name):
            raise StepError(f"{folder} is a project of the function {project.name} and its reports, in {solution}, are "
                            f"of {top[:80]}; name the folder of the reports.")
        figures += synthesis.figures
        modules += [(f"{module.instance} {module.name}".strip(), module.figures) for module in synthesis.modules]
        files += synthesis.files
    if solution is not None:
        simulated = _simulated(solution, top)
        if simulated:
            tool, version, period = project.tool or "Vitis HLS", "", clock_ns
            if synthesis is not None:
                tool, version, period = synthesis.tool, synthesis.tool_version, synthesis.period_ns or clock_ns
            simulation = read_cosim(solution, simulated, period, tool, version)
            if simulation is not None and not simulation.passed:
                raise StepError(
                    f"Co-simulation of {folder} did not pass, so its figures are worth nothing; mend it first.")
            figures += simulation.figures if simulation is not None else ()
            files.append(solution / "sim" / "report" / f"{simulated}_cosim.rpt")
    mapped = read_text(folder / _VIVADO_REPORT)
    if mapped is not None:
        header, used = parse_utilization(mapped, str(folder / _VIVADO_REPORT))
        # hls4ml has Vivado map the network's function, where C-synthesis was of that with a wrapper around it.
        alone = synthesis is not None and header.design not in ("", synthesis.top)
        used = stated(used, Subject.CPP)
        figures += (replace(each, tool=f"{each.tool}, {header.design} alone") if alone else each for each in used)
        files.append(folder / _VIVADO_REPORT)
    if not files:
        raise StepError(f"{folder} is an hls4ml project that no tool has left a report in; "
                        "run its C-synthesis, then compare it.")
    name = project.name or top or folder.resolve().name
    aimed = synthesis.figure(names.CLOCK_TARGET_NS) if synthesis is not None else None
    return Report(
        name=name,
        created=created(files),
        network=Network(name),
        # What the reports say was synthesized; a configuration may have been changed since.
        target=Target(None, part or "unknown", aimed or clock_ns),
        layers=by_layer(modules, _layers(folder, name)),
        figures=tuple(figures),
        tools={figure.tool: figure.tool_version for figure in figures},
        files={path.name: Path(os.path.relpath(path, folder)).as_posix() for path in files},
    )


def _is_of(top: str, name: str) -> bool:
    """Whether a top function is a project's: the network's, or a wrapper that one of hls4ml's backends puts around."""
    return top in (name, _KERNEL) or top.startswith(f"{name}_")


def created(files: Iterable[Path]) -> str:
    """When the newest of the files was written, as a report says it."""
    newest = max(path.stat().st_mtime for path in files)
    return datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds")


def _simulated(solution: Path, top: str) -> str:
    """The function that was co-simulated: the top, or the only one with a report."""
    reports = sorted((solution / "sim" / "report").glob("*_cosim.rpt"))
    functions = [path.name.removesuffix("_cosim.rpt") for path in reports]
    if top in functions or len(functions) != 1:
        return top if top in functions else ""
    return functions[0]


def _layers(folder: Path, name: str) -> dict[str, int]:
    source = folder / "firmware" / f"{name}.cpp"
    if not source.exists():
        return {}
    return layers_in_source(read_bytes(source, _LIMIT).decode(errors="replace").splitlines())
