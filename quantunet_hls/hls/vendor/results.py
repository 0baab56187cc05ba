"""From the reports that a build left behind to figures, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.errors import ToolFailedError
from quantunet_hls.hls.vendor.execute import Outcome
from quantunet_hls.hls.vendor.plan import BuildPlan, Phase
from quantunet_hls.hls.vendor.scripts import RESULTS
from quantunet_hls.reports.parsers.cosim import read_cosim
from quantunet_hls.reports.parsers.layers import by_layer
from quantunet_hls.reports.parsers.vitis import read_csynth
from quantunet_hls.reports.parsers.vivado import parse_hierarchy, parse_timing, parse_utilization
from quantunet_hls.reports.schema import Check, Figure, LayerReport, Source, Subject, stated

__all__ = ["VendorResult", "collect", "compare_logs"]


@dataclass(frozen=True)
class VendorResult:
    """What a build with the vendor's tools gave.

    Attributes:
        outcomes: of each phase, in the order they ran.
        checks: the test bench's output in each simulation, compared with the output it was given to expect.
        figures: of the whole design.
        layers: of each layer, then of each module that is no one layer's (of the kind "module").
        tools: version of each tool.
        files: role to path relative to the project's folder: logs, reports, the IP.
    """

    outcomes: tuple[Outcome, ...]
    checks: tuple[Check, ...]
    figures: tuple[Figure, ...]
    layers: tuple[LayerReport, ...]
    tools: Mapping[str, str]
    files: Mapping[str, str]


def collect(plan: BuildPlan, outcomes: tuple[Outcome, ...], layers: Mapping[str, int | None]) -> VendorResult:
    """Read all reports of a build.

    Args:
        plan: that was carried out.
        outcomes: of its phases.
        layers: number of each layer in hls4ml's graph, in the network's order.

    Raises:
        StepError: a damaged report.
        ToolFailedError: a co-simulation that found a difference.
    """
    project = plan.project
    solution = project.folder / project.solution
    figures: list[Figure] = []
    modules: list[tuple[str, tuple[Figure, ...]]] = []
    checks: list[Check] = []
    files = {}
    for call, outcome in zip(plan.calls, outcomes, strict=True):
        files[f"{call.phase} log"] = outcome.log.relative_to(project.folder).as_posix()
        files.update({f"{call.phase}: {Path(path).name}": path for path in call.outputs})
        if call.phase is Phase.CSIM:
            checks += _compared(project.folder, f"{Source.CSIM} ({call.tool.title})", "csim_results.log")
        elif call.phase is Phase.CSYNTH:
            synthesis = read_csynth(solution, project.name, call.tool.title)
            if synthesis is not None:
                figures += synthesis.figures
                modules += [
                    (f"{module.instance} {module.name}".strip(), module.figures) for module in synthesis.modules
                ]
        elif call.phase is Phase.COSIM:
            synthesis = read_csynth(solution, project.name, call.tool.title)
            # Cycles take as long as the clock that C-synthesis reaches, not the one asked for.
            period = max(project.clock_ns, synthesis.period_ns) if synthesis is not None else project.clock_ns
            simulation = read_cosim(solution, project.name, period, call.tool.title, call.tool.version)
            if simulation is not None and not simulation.passed:
                raise ToolFailedError(
                    f"Co-simulation of {project.name} did not pass, so its RTL differs from its C++; "
                    f"its log is {outcome.log}."
                )
            figures += simulation.figures if simulation is not None else ()
            checks += _compared(project.folder, f"{Source.COSIM} ({call.tool.title})", "rtl_cosim_results.log")
        elif call.phase in (Phase.VSYNTH, Phase.IMPLEMENT):
            routed = call.phase is Phase.IMPLEMENT
            of_design, of_cells = _vivado_reports(project.folder / RESULTS / ("routed" if routed else "synth"),
                                                  Source.ROUTED if routed else Source.MAPPED)
            figures += of_design
            modules += of_cells
    return VendorResult(
        outcomes=outcomes,
        checks=tuple(checks),
        figures=tuple(figures),
        layers=by_layer(modules, layers),
        tools={call.tool.title: call.tool.version for call in plan.calls},
        files=files,
    )


def _vivado_reports(prefix: Path, presumed: Source) -> tuple[list[Figure], list[tuple[str, tuple[Figure, ...]]]]:
    def text(kind: str) -> tuple[str, str, Source]:
        path = prefix.with_name(f"{prefix.name}_{kind}.rpt")
        return path.read_text(errors="replace"), str(path), presumed

    _, used = parse_utilization(*text("utilization"))
    _, timing = parse_timing(*text("timing"))
    _, cells = parse_hierarchy(*text("hierarchy"))
    return [*stated([*used, *timing], Subject.CPP)], [
        (f"{cell.instance} {cell.module}", stated(cell.figures, Subject.CPP)) for cell in cells if cell.depth == 1]


def _compared(folder: Path, candidate: str, log: str) -> list[Check]:
    """What the test bench wrote, against what it was told to expect; nothing where it was not told."""
    expected, found = folder / "tb_data" / "tb_output_predictions.dat", folder / "tb_data" / log
    if not (expected.is_file() and found.is_file()):
        return []
    values, differing = compare_logs(expected.read_text(errors="replace"), found.read_text(errors="replace"))
    return [Check("expected output", candidate, None, values, differing)]


def compare_logs(reference: str, candidate: str) -> tuple[int, int]:
    """How many values two result files of the test bench hold, and how many differ.

    Numbers are compared as they are written, so with as many digits as the test
    bench gives them; a value that only one file has differs.
    """
    left, right = reference.split(), candidate.split()
    values = max(len(left), len(right))
    equal = sum(a == b or _same_number(a, b) for a, b in zip(left, right, strict=False))
    return values, values - equal


def _same_number(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return False
