"""The streaming RTL of a run: the stream graph before it is folded, and the project that is made of the folded one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from quantunet_hls.hls.convert import HlsSettings, convert

if TYPE_CHECKING:
    from pathlib import Path

    from quantunet_hls.flow.opened import Opened
    from quantunet_hls.flow.run import Run
    from quantunet_hls.ingest import HardwareGraph
    from quantunet_hls.ingest.ranges import GraphTypes
    from quantunet_hls.rtl.lower import Lowered

__all__ = ["Streams", "lowered_from"]


@dataclass(frozen=True)
class Streams:
    """The stream graph of a run, lowered once for all steps that need it.

    Attributes:
        run: that makes it.
        opened: the network's graph and types.
    """

    run: Run
    opened: Opened

    @cached_property
    def lowered(self) -> Lowered:
        """Not folded yet."""
        run = self.run
        settings = HlsSettings(run.name, run.target.part, run.target.clock_ns, run.backend, {})
        return lowered_from(self.opened.graph, self.opened.types, settings, run.files.rtl.folder)


def lowered_from(graph: HardwareGraph, types: GraphTypes, settings: HlsSettings, folder: Path) -> Lowered:
    """The stream graph of a network; no reuse factor of the hls4ml graph that it comes from matters.

    Args:
        graph: of the network.
        types: of its tensors.
        settings: for hls4ml.
        folder: that hls4ml is told of; nothing is written there.
    """
    # Amaranth and the tools are an extra, which nobody else needs.
    from quantunet_hls.ingest.model_graph import read_network
    from quantunet_hls.rtl.lower import lower

    return lower(read_network(convert(graph.model, types, settings, folder)), settings.name)
