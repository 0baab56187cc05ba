"""Step ``ingest``: one legal, channels-last graph, and a type for every tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantunet_hls.core.files import write_json, writing
from quantunet_hls.core.steps import Step
from quantunet_hls.flow.inputs import contents, packages, precision_inputs
from quantunet_hls.flow.opened import Opened
from quantunet_hls.tuning.precision import precision_of

if TYPE_CHECKING:
    from quantunet_hls.flow.artefacts import Ingested
    from quantunet_hls.flow.run import Run

__all__ = ["step", "write_hardware"]


def step(run: Run, opened: Opened) -> Step:
    """The step of a run."""
    made = run.files.ingested
    return Step("ingest", "Check the graph and type every tensor",
                lambda: {**contents([opened.exported.network]), **precision_inputs(run)},
                (made.hardware, made.precision), lambda: write_hardware(opened, made), (__name__,), packages)


def write_hardware(opened: Opened, made: Ingested) -> None:
    """Write the graph and its types."""
    graph, types = opened.graph, opened.types
    with writing(made.hardware) as temporary:
        graph.model.save(str(temporary))
    write_json(made.precision, precision_of(types).to_dict())
