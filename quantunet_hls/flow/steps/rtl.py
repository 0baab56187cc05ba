"""Step ``rtl``: the streaming RTL in Verilog, simulated clock by clock and compared layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantunet_hls.core.steps import Step
from quantunet_hls.core.workshop import workshop
from quantunet_hls.data.check_images import check_images
from quantunet_hls.flow.folded_streams import FoldedStreams, rtl_tools, simulation_inputs
from quantunet_hls.flow.inputs import contents, design_inputs, image_inputs, packages
from quantunet_hls.flow.layer_codes import layer_codes
from quantunet_hls.flow.opened import Opened
from quantunet_hls.flow.partial import partial_report
from quantunet_hls.flow.verify import (
    CHANNELS_LAST,
    RTL,
    RTL_LAYERS,
    batches,
    compare_layers,
    entering,
    reference,
    require_equal,
    together,
)
from quantunet_hls.reports.schema import Check, Figure, Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from quantunet_hls.flow.run import Run
    from quantunet_hls.ingest import HardwareGraph
    from quantunet_hls.rtl.project import Project
    from quantunet_hls.rtl.simulate.netlist_layers import Compared
    from quantunet_hls.rtl.simulate.verilator import Simulation

__all__ = ["simulate_rtl", "step"]

#: Simulated cycles a frame, of those that the slowest layer takes, beyond which a person is told.
SLOWER = 1.02


def step(run: Run, opened: Opened, streams: FoldedStreams) -> Step:
    """The step of a run; with another tool chain it makes nothing."""
    files, part = run.files, run.files.part("rtl")
    return Step("rtl", "Write the RTL, simulate it, compare" if run.streams else "RTL: not with this tool chain",
                lambda: {**contents([files.ingested.hardware, *files.folded.files]), **design_inputs(run),
                         **image_inputs(run), **simulation_inputs(run)},
                (part,),
                lambda: (simulate_rtl(run, opened, streams) if run.streams else partial_report(run, opened.graph)
                         ).save(part), (__name__,), rtl_tools if run.streams else packages)


def simulate_rtl(run: Run, opened: Opened, streams: FoldedStreams) -> Report:
    """Write the Verilog, run it on the images, and package it for AMD's tools; returns the comparisons.

    Raises:
        MismatchError: a value differs from the hardware graph's.
        DeadlockError: the design, or a layer by itself, stands still.
        OverTimeError: a simulation ran past its limit.
    """
    graph, files, rtl = opened.graph, run.files, streams.project
    images = check_images(run.data, run.spec.images, *graph.input_shape)
    checks, figures = (_whole if streams.whole else _layer_by_layer)(run, opened, streams, images)
    require_equal(checks)
    written = rtl.write_weights()
    weights = {"weights": files.within(written)} if written else {}
    external = rtl.write_memory()
    weights |= {"memory": files.within(external)} if external else {}
    ip = {"ip": files.within(rtl.write_ip())} if "vivado" in run.target.toolchains else {}
    return partial_report(run, graph, figures=figures, checks=checks,
                          files={"rtl": files.within(files.rtl.verilog), **weights, **ip})


def _whole(run: Run, opened: Opened, streams: FoldedStreams, images: np.ndarray
           ) -> tuple[tuple[Check, ...], tuple[Figure, ...]]:
    """The whole design, all images back to back."""
    # Amaranth and the tools are an extra, which nobody else needs.
    from quantunet_hls.rtl.project import codes_of
    from quantunet_hls.rtl.report import simulation_figures
    from quantunet_hls.rtl.simulate.harness import Stalls

    graph, rtl = opened.graph, streams.project
    simulation = rtl.simulate(codes_of(entering(graph, images), rtl.graph.input.type), Stalls(),
                              limit_s=60 * run.spec.image_minutes)
    if run.spec.images > 1 and simulation.cycles_per_frame > SLOWER * rtl.graph.cycles:
        run.progress(f"slower than folded: {simulation.cycles_per_frame:,.0f} cycles a frame in simulation, where "
                     f"the slowest layer takes {rtl.graph.cycles:,}; ask for another rate")
    checks = _compared(graph, images, rtl, simulation, run.files.folded.tensors())
    return checks, simulation_figures(simulation, rtl.graph, run.target.clock_ns)


def _layer_by_layer(run: Run, opened: Opened, streams: FoldedStreams, images: np.ndarray
                    ) -> tuple[tuple[Check, ...], tuple[Figure, ...]]:
    """Every layer's module by itself, between what its sources must give and what it must give itself."""
    from quantunet_hls.rtl.report import paced_figures

    rtl = streams.project
    reason = (f", for a frame of the whole would take some {streams.whole_seconds / 60:,.0f} CPU minutes"
              if run.spec.rtl == "auto" else "")
    run.progress(f"the RTL is simulated layer by layer{reason}")

    def show(module: str, compared: Compared) -> None:
        run.progress(f"RTL of {module} alone: {compared.differing:,} of {compared.values:,} values differ")

    with workshop() as folder:
        codes = layer_codes(opened.graph, images, rtl, run.files.folded.tensors(), folder)
        found = rtl.check_layers(codes, limit_s=60 * run.spec.image_minutes, progress=show)
    run.progress(f"RTL layer by layer: {len(found)} modules, {sum(one.values for one in found):,} values compared, "
                 f"{sum(one.differing for one in found):,} differ; what lies between them is as the "
                 "schedule has it, and was not simulated")
    nodes, last = opened.nodes(run.files.folded), rtl.graph.output.name
    checks = tuple(Check(CHANNELS_LAST, RTL_LAYERS, None if one.layer == last else _node(rtl, nodes, one.layer),
                         one.values, one.differing) for one in found)
    return checks, paced_figures(rtl.graph, run.target.clock_ns)


def _node(rtl: Project, nodes: Mapping[str, str], layer: str | None) -> str | None:
    """What the graph calls a layer of the RTL; those that it has not, casts and zeros, are called as they are."""
    return nodes.get(rtl.lowered.tensors.get(layer or "", ""), layer)


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
