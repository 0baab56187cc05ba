"""What is generated from a stream graph, for whoever simulates it, maps it or builds it into something."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.names import identifier
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer

__all__ = ["EDGE_DEPTH", "Design", "depth_of", "module_name"]

#: Beats that an edge holds where nothing else is asked for: enough to break every path between two layers.
EDGE_DEPTH = 2


@dataclass(frozen=True)
class Design:
    """Verilog files of a stream graph.

    Attributes:
        graph: what they were made from.
        top: the top module's name; it has ``clk``, ``rst`` and the streams ``i`` and ``o``.
        files: by module name, the top's file too.
        probed: whether the top shows every edge's handshake and fill.
    """

    graph: StreamGraph
    top: str
    files: dict[str, Path]
    probed: bool


def depth_of(graph: StreamGraph, edge: str) -> int:
    """Beats that an edge's FIFO holds."""
    return graph.fifo_depths.get(edge, EDGE_DEPTH)


def module_name(graph: StreamGraph, layer: StreamLayer) -> str:
    """Name of a layer's Verilog module, and of its file."""
    return identifier(f"{graph.name}_{layer.name}", keep_end=True)
