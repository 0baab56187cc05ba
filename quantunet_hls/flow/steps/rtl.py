"""Step ``rtl``: the streaming RTL in Verilog, simulated clock by clock and compared layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantunet_hls.core.steps import Step
from quantunet_hls.data.check_images import check_images
from quantunet_hls.flow.folded_streams import FoldedStreams, rtl_tools
from quantunet_hls.flow.inputs import contents, design_inputs, image_inputs, packages
from quantunet_hls.flow.opened import Opened
from quantunet_hls.flow.partial import partial_report
from quantunet_hls.flow.verify import RTL, batches, compare_layers, entering, reference, require_equal, together
from quantunet_hls.reports.schema import Check, Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from quantunet_hls.flow.run import Run
    from quantunet_hls.ingest import HardwareGraph
    from quantunet_hls.rtl.project import Project
    from quantunet_hls.rtl.simulate.verilator import Simulation

__all__ = ["simulate_rtl", "step"]

#: Simulated cycles a frame, of those that the slowest layer takes, beyond which a person is told.
SLOWER = 1.02


def step(run: Run, opened: Opened, streams: FoldedStreams) -> Step:
    """The step of a run; with another tool chain it makes nothing."""
    files, part = run.files, run.files.part("rtl")
    return Step("rtl", "Write the RTL, simulate it, compare" if run.streams else "RTL: not with this tool chain",
                lambda: {**contents([files.ingested.hardware, *files.folded.files]), **design_inputs(run),
                         **image_inputs(run)},
                (part,),
                lambda: (simulate_rtl(run, opened, streams) if run.streams else partial_report(run, opened.graph)
                         ).save(part), (__name__,), rtl_tools if run.streams else packages)


def simulate_rtl(run: Run, opened: Opened, streams: FoldedStreams) -> Report:
    """Write the Verilog, run it on the images, and package it for AMD's tools; returns the comparisons.

    Raises:
        MismatchError: a value differs from the hardware graph's.
        DeadlockError: the design stands still.
    """
    # Amaranth and the tools are an extra, which nobody else needs.
    from quantunet_hls.rtl.project import codes_of
    from quantunet_hls.rtl.report import simulation_figures
    from quantunet_hls.rtl.simulate.harness import Stalls

    graph, tensors, files = opened.graph, run.files.folded.tensors(), run.files
    images = check_images(run.data, run.spec.images, *graph.input_shape)
    rtl = streams.project
    simulation = rtl.simulate(codes_of(entering(graph, images), rtl.graph.input.type), Stalls())
    if run.spec.images > 1 and simulation.cycles_per_frame > SLOWER * rtl.graph.cycles:
        run.progress(f"slower than folded: {simulation.cycles_per_frame:,.0f} cycles a frame in simulation, where "
                     f"the slowest layer takes {rtl.graph.cycles:,}; ask for another rate")
    checks = _compared(graph, images, rtl, simulation, tensors)
    require_equal(checks)
    written = rtl.write_weights()
    weights = {"weights": files.within(written)} if written else {}
    external = rtl.write_memory()
    weights |= {"memory": files.within(external)} if external else {}
    ip = {"ip": files.within(rtl.write_ip())} if "vivado" in run.target.toolchains else {}
    return partial_report(run, graph, figures=simulation_figures(simulation, rtl.graph, run.target.clock_ns),
                          checks=checks, files={"rtl": files.within(files.rtl.verilog), **weights, **ip})


def _compared(graph: HardwareGraph, images: np.ndarray, rtl: Project, simulation: Simulation,
              tensors: Mapping[str, str]) -> tuple[Check, ...]:
    """Every layer of the simulation against the hardware graph, whose tensors are held of a group of images."""
    checks: list[tuple[Check, ...]] = []
    first = 0
    for group in batches(graph, images):
        part = slice(first, first + len(group))
        layers = {rtl.lowered.tensors[name]: codes[part] * rtl.graph[name].type.step
                  for name, codes in simulation.traces.items() if rtl.lowered.tensors.get(name) in tensors}
        output = simulation.outputs[part] * rtl.graph.output.type.step
        checks.append(compare_layers(reference(graph, group), graph, RTL, layers, tensors, output))
        first = part.stop
    return together(checks)
