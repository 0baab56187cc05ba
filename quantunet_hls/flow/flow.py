"""The flow: its steps, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantunet_hls.core.steps import Step
from quantunet_hls.flow.folded_streams import FoldedStreams
from quantunet_hls.flow.opened import Opened
from quantunet_hls.flow.steps import accuracy, csim, export, ingest, netlist, place, project, report, rtl, synthesis
from quantunet_hls.flow.streams import Streams

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run

__all__ = ["steps_of"]


def steps_of(run: Run) -> list[Step]:
    """The steps of a run, in the order of :data:`quantunet_hls.flow.steps.STEPS`."""
    opened = Opened(run.files.exported, run.spec.output, run.precision)
    streams = Streams(run, opened)
    folded = FoldedStreams(streams)
    return [
        export.step(run),
        ingest.step(run, opened),
        project.step(run, opened, streams),
        csim.step(run, opened),
        accuracy.step(run, opened),
        rtl.step(run, opened, folded),
        synthesis.step(run, opened, folded),
        netlist.step(run, opened, folded),
        place.step(run, opened, folded),
        report.step(run),
    ]
