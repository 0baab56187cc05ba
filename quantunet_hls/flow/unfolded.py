"""From a network to its stream graph, for whoever weighs designs without writing a project."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from quantunet_hls.boards import Board
from quantunet_hls.core.workshop import workshop
from quantunet_hls.flow.streams import lowered_from
from quantunet_hls.hls.convert import HlsSettings
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ingest.source import open_source
from quantunet_hls.ops.streaming import StreamGraph

__all__ = ["stream_graph"]


def stream_graph(model: str | Path | nn.Module, board: Board, input_shape: tuple[int, int, int] | None = None
                 ) -> StreamGraph:
    """A network as it is lowered for a board, not folded.

    Args:
        model: and ``input_shape``, as :func:`quantunet_hls.ingest.source.open_source` takes them.
        board: with its clock.
    """
    graph = ingest(open_source(model, input_shape).graph())
    settings = HlsSettings("net", board.part, board.clock_ns, "Vitis", {})
    # Nothing is written into the folder of a conversion alone.
    with workshop() as folder:
        return lowered_from(graph, infer_types(graph.model), settings, folder).graph
