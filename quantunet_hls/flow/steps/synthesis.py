"""Step ``synthesis``: what the design takes of the part, by a vendor's HLS of the C++ or by Yosys of the RTL."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from quantunet_hls.core.steps import Step
from quantunet_hls.flow.beyond_part import tell_beyond_part
from quantunet_hls.flow.folded_streams import FoldedStreams, rtl_tools
from quantunet_hls.flow.inputs import contents, design_inputs, packages
from quantunet_hls.flow.opened import Opened
from quantunet_hls.flow.partial import partial_report
from quantunet_hls.hls import vendor
from quantunet_hls.reports.schema import LayerReport, Report

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run
    from quantunet_hls.rtl.synthesize.mapping import MappedModule

__all__ = ["build_cpp", "map_rtl", "step"]


def step(run: Run, opened: Opened, streams: FoldedStreams) -> Step:
    """The step of a run; without a tool chain it finds nothing."""
    files, part = run.files, run.files.part("synthesis")

    def synthesized() -> Report:
        if run.toolchain == "none":
            return partial_report(run, opened.graph)
        return map_rtl(run, opened, streams) if run.streams else build_cpp(run, opened)

    return Step("synthesis", "Synthesize it" if run.toolchain != "none" else "Synthesis: no tool chain",
                lambda: {**contents([*files.project.sources, *files.folded.files]), **design_inputs(run),
                         "stages": list(run.spec.stages)},
                (part,), lambda: synthesized().save(part), (__name__,), lambda: _tools(run))


def _tools(run: Run) -> dict[str, str]:
    if run.streams:
        return rtl_tools()
    of_vendor = vendor.versions(run.toolchain.capitalize(), run.spec.stages) if run.toolchain != "none" else {}
    return {**packages(), **of_vendor}


def map_rtl(run: Run, opened: Opened, streams: FoldedStreams) -> Report:
    """Map the RTL to the part's cells, layer by layer.

    Raises:
        BoardError: the part has less than the design takes.
    """
    # Amaranth and the tools are an extra, which nobody else needs.
    from quantunet_hls.rtl.report import mapped_figures
    from quantunet_hls.rtl.synthesize.fits import check_fits

    rtl = streams.project
    modules = len(rtl.graph.layers) + (run.target.serial_line is not None)
    done = count(1)

    def show(layer: str, module: MappedModule) -> None:
        how = "unchanged" if module.reused else f"{module.seconds:.1f} s"
        run.progress(f"mapped {layer} ({next(done)} of {modules}): {how}")

    mapped = rtl.map(progress=show)
    check_fits(mapped.total, run.target)
    timing = rtl.timing(mapped)
    for reason in sorted(set(timing.refused.values())) if timing else ():
        run.progress(f"no estimate of the clock: {reason}")
    return partial_report(run, opened.graph, figures=mapped_figures(mapped, run.target, timing),
                          layers=_renamed(run, opened, rtl.layers(mapped, timing)))


def build_cpp(run: Run, opened: Opened) -> Report:
    """Build the C++ with the vendor's tools, as far as is asked.

    Raises:
        ToolNotFoundError, ToolFailedError: a tool is absent, or failed.
    """
    files = run.files
    project = vendor.HlsProject(files.project.folder, run.name, run.target.part, run.target.clock_ns,
                                backend=run.backend)
    result = vendor.build(project, run.spec.stages)
    tell_beyond_part(run, result.figures)
    return partial_report(run, opened.graph, figures=result.figures, layers=_renamed(run, opened, result.layers),
                          checks=result.checks, tools=result.tools,
                          files={role: files.within(files.project.folder / path)
                                 for role, path in result.files.items()})


def _renamed(run: Run, opened: Opened, layers: tuple[LayerReport, ...]) -> list[LayerReport]:
    """Layers under the names that the graph has for them."""
    nodes = opened.nodes(run.files.folded)
    return [LayerReport(nodes.get(layer.name, layer.name), layer.kind, layer.figures) for layer in layers]
