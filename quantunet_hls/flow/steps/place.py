"""Step ``place``: the mapped design on the part's own places and wires, by the family's open tool or Vivado."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from quantunet_hls.core.files import read_json, write_json
from quantunet_hls.core.steps import Step
from quantunet_hls.flow.folded_streams import FoldedStreams, rtl_tools
from quantunet_hls.flow.inputs import contents, design_inputs, packages
from quantunet_hls.flow.opened import Opened
from quantunet_hls.flow.partial import partial_report
from quantunet_hls.hls import vendor
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Report, Subject

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run

__all__ = ["place_and_route", "step"]


def step(run: Run, opened: Opened, streams: FoldedStreams) -> Step:
    """The step of a run; where nobody places, it finds nothing."""
    files, part, placer = run.files, run.files.part("place"), _placer(run)
    return Step("place", "Place and route it" if placer else "Place and route: not here",
                lambda: {**contents([*files.folded.files, files.part("rtl"), files.part("synthesis")]),
                         **design_inputs(run), "placer": placer},
                (part, *([files.rtl.bitstream] if placer == "open" else [])),
                lambda: (place_and_route(run, opened, streams, placer) if placer
                         else partial_report(run, opened.graph)).save(part),
                (__name__,), lambda: _tools(run, placer))


def _placer(run: Run) -> str:
    """Who places and routes the RTL: "open" for the family's own tool, "vivado", or "" for nobody."""
    if not run.streams:
        return ""
    if run.target.part_family.place_and_route:
        return "open"
    return "vivado" if vendor.Phase.IMPLEMENT in run.spec.stages else ""


def _tools(run: Run, placer: str) -> dict[str, str]:
    tool = run.target.part_family.place_and_route if placer == "open" else None
    if tool:
        return {**rtl_tools(), tool.tool: tool.version()}
    return {**packages(), **(vendor.versions("Vitis", (vendor.Phase.IMPLEMENT,)) if placer == "vivado" else {})}


def _tell_host(path: Path, opened: Opened) -> None:
    """What numbers at the ports mean, where they are not the network's own."""
    facts = read_json(path)
    for side, more in opened.graph.scales.for_host().items():
        facts[side] |= more
    write_json(path, facts)


def place_and_route(run: Run, opened: Opened, streams: FoldedStreams, placer: str) -> Report:
    """Place and route the design; returns its clock and what it takes.

    Raises:
        BoardError: the routed design is slower than the board's clock.
        ToolNotFoundError, ToolFailedError: a tool is absent or failed.
    """
    from quantunet_hls.rtl.integrate.vivado import implement
    from quantunet_hls.rtl.report import frame_rate, placed_figures

    paths = run.files
    cycles = Report.load(paths.part("rtl")).figure(names.INTERVAL_CYCLES_MAX, subject=Subject.RTL)
    assert cycles is not None
    files = {}
    if placer == "vivado":
        figures = implement(paths.rtl.ip)
    else:
        figures = placed_figures(streams.project.place())
        files = {"bitstream": paths.within(paths.rtl.bitstream)}
        if paths.rtl.host.exists():
            _tell_host(paths.rtl.host.with_suffix(".json"), opened)
            files["host"] = paths.within(paths.rtl.host)
    return partial_report(run, opened.graph, figures=[*figures, *frame_rate(cycles, figures)], files=files)
