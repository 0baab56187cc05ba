"""Step ``netlist``: the mapped cells, simulated and compared with the RTL."""

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
from quantunet_hls.flow.verify import RTL, entering, require_equal
from quantunet_hls.reports.schema import Report

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run
    from quantunet_hls.rtl.simulate.netlist import Compared

__all__ = ["simulate_netlist", "step"]

#: Images that the mapped netlist is simulated on; gates are some hundred times slower than RTL.
IMAGES = 1


def step(run: Run, opened: Opened, streams: FoldedStreams) -> Step:
    """The step of a run; with another tool chain there is no netlist."""
    files, part = run.files, run.files.part("netlist")
    return Step("netlist", "Simulate the mapped netlist" if run.streams else "Netlist: not with this tool chain",
                lambda: {**contents([*files.folded.files, files.part("synthesis")]), **design_inputs(run),
                         **image_inputs(run), **simulation_inputs(run), "extent": run.spec.netlist},
                (part,), lambda: (simulate_netlist(run, opened, streams) if run.streams
                                  else partial_report(run, opened.graph)).save(part),
                (__name__,), rtl_tools if run.streams else packages)


def simulate_netlist(run: Run, opened: Opened, streams: FoldedStreams) -> Report:
    """Simulate as much of the netlist as is asked for; returns the comparisons.

    Raises:
        MismatchError: a value differs from the RTL's.
        DeadlockError: the netlist stands still.
    """
    # Amaranth and the tools are an extra, which nobody else needs.
    from quantunet_hls.rtl.project import codes_of
    from quantunet_hls.rtl.report import netlist_checks, netlist_figures, netlist_models
    from quantunet_hls.rtl.simulate.harness import Stalls
    from quantunet_hls.rtl.simulate.netlist import ALL, SAMPLE

    def show(module: str, compared: Compared) -> None:
        run.progress(f"netlist of {module}: {compared.differing:,} of {compared.values:,} values differ")

    rtl = streams.project
    images = check_images(run.data, IMAGES, *opened.graph.input_shape)
    extent = ALL if run.spec.netlist == "all" else SAMPLE
    if streams.whole:
        frames = codes_of(entering(opened.graph, images), rtl.graph.input.type)
        found = rtl.check_netlist(rtl.map(), rtl.simulate(frames, Stalls()).codes(rtl.graph, frames), extent,
                                  progress=show)
    else:
        with workshop() as folder:
            expected = layer_codes(opened.graph, images, rtl, run.files.folded.tensors(), folder)
            found = rtl.check_netlist(rtl.map(), expected, extent, top=False, progress=show)
    run.progress(f"netlist: {found.cells:,} of {found.all_cells:,} cells simulated, {found.values:,} of "
                 f"{found.all_values:,} values compared"
                 + (f"; not simulated: {', '.join(found.left)}" if found.left else ""))
    nodes = opened.nodes(run.files.folded)
    checks = netlist_checks(found, RTL, {name: nodes.get(layer, layer) for name, layer in rtl.lowered.tensors.items()})
    require_equal(checks)
    return partial_report(run, opened.graph, checks=checks, figures=netlist_figures(found), tools=netlist_models(found))
