"""Where tuning starts: a quantized network as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from quantunet_hls.data.image_folders import Samples
from quantunet_hls.emulate.accuracy import emulate_graph, segment
from quantunet_hls.ingest import HardwareGraph, as_meant, ingest
from quantunet_hls.ingest.passes.drop_probabilities import drop_probabilities
from quantunet_hls.ingest.source import open_source

__all__ = ["Origin", "open_origin"]


@dataclass(frozen=True)
class Origin:
    """A network before tuning.

    Attributes:
        name: what it is called.
        sha256: of its file.
        graph: its hardware graph.
        segment: its own masks, uint8 (N, H, W), of samples.
    """

    name: str
    sha256: str
    graph: HardwareGraph
    segment: Callable[[Samples], Tensor]


def open_origin(model: str | Path | nn.Module, input_shape: tuple[int, int, int] | None = None,
                result: str | None = None, output: str = "logits") -> Origin:
    """The network of a model argument.

    Args:
        model: and ``input_shape`` and ``result``, as :func:`quantunet_hls.ingest.source.open_source` takes them.
        output: as :func:`quantunet_hls.ingest.ingest` takes it; the graph ends in scores all the same.

    Raises:
        QuantUNetError: as ``open_source`` and ``ingest`` do.
    """
    source = open_source(model, input_shape, result)
    given = source.graph()
    graph = ingest(drop_probabilities(as_meant(given)) if output == "mask" else given)
    return Origin(source.name, source.sha256, graph, lambda samples: segment(emulate_graph(graph), samples))
