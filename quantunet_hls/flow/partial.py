"""What a step adds to the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from quantunet_hls.core.versions import DISTRIBUTION, PACKAGES, versions_of
from quantunet_hls.ingest.facts import network_facts
from quantunet_hls.reports.schema import Check, Figure, LayerReport, Network, Report, Target

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run
    from quantunet_hls.ingest import HardwareGraph

__all__ = ["partial_report"]


def partial_report(run: Run, graph: HardwareGraph, *, figures: Iterable[Figure] = (),
                   layers: Iterable[LayerReport] = (), checks: Iterable[Check] = (),
                   tools: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None) -> Report:
    """A report of what one step has found, to be merged with those of the others."""
    facts = network_facts(graph)
    paths = run.files
    return Report(
        name=run.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        network=Network(run.source.name, run.source.sha256, graph.input_shape, facts.macs, facts.parameters,
                        facts.weight_bits, facts.activation_bits),
        target=Target(run.target.name if run.spec.board is not None else None, run.target.part, run.target.clock_ns),
        names={**graph.renamed, **run.renamed},
        checks=tuple(checks),
        layers=tuple(layers),
        figures=tuple(figures),
        tools={**versions_of(DISTRIBUTION, *PACKAGES), **(tools or {})},
        files={"project": paths.within(paths.project.folder), "network": paths.within(paths.exported.network),
               **(files or {})},
    )
