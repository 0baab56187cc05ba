"""Step ``export``: the network in QONNX, whatever it came as."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from quantunet_hls.core.files import writing
from quantunet_hls.core.steps import Step
from quantunet_hls.flow.inputs import packages, precision_inputs
from quantunet_hls.ingest import ingest
from quantunet_hls.tuning.precision import Precision, with_precision

if TYPE_CHECKING:
    from quantunet_hls.flow.artefacts import Exported
    from quantunet_hls.flow.run import Run
    from quantunet_hls.ingest.source import NetworkSource

__all__ = ["export_network", "step"]


def step(run: Run) -> Step:
    """The step of a run."""
    made = run.files.exported
    return Step("export", "Export the network to QONNX", lambda: {"network": _key(run.source), **precision_inputs(run)},
                (made.network,), lambda: export_network(run.source, run.precision, run.spec.output, made),
                (__name__, "quantunet_hls.ingest.source"), packages)


def _key(source: NetworkSource) -> Any:
    # A live module's code is not in its key, so its export is never taken as done.
    return source.key if source.repeatable else [source.key, datetime.now(UTC).isoformat()]


def export_network(source: NetworkSource, precision: Precision | None, output: str, made: Exported) -> None:
    """Write the network, with the types that are asked for in place of its own.

    Args:
        source: of the network.
        precision: types that are asked for.
        output: what the design sends.
        made: where to.
    """
    graph = source.graph()
    if precision:
        graph = with_precision(ingest(graph, output), precision)
    with writing(made.network) as temporary:
        graph.save(str(temporary))
