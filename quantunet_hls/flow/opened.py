"""The graph of a run and its types, read once for all steps that need them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import HardwareGraph, ingest, load_qonnx
from quantunet_hls.tuning.precision import chosen_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quantunet_hls.flow.artefacts import Exported, Folded
    from quantunet_hls.ingest.ranges import GraphTypes
    from quantunet_hls.tuning.precision import Precision

__all__ = ["Opened"]


@dataclass(frozen=True)
class Opened:
    """What an exported network is, once it has been read.

    Attributes:
        exported: the network's file.
        output: what the design sends.
        precision: types that are asked for.
    """

    exported: Exported
    output: str
    precision: Precision | None

    @cached_property
    def graph(self) -> HardwareGraph:
        """The legal, channels-last graph."""
        return ingest(load_qonnx(self.exported.network), self.output)

    @cached_property
    def types(self) -> GraphTypes:
        """The type of every tensor."""
        try:
            return chosen_types(self.graph, self.precision)
        except IllegalGraphError as error:
            # A person looks for the node in the network, where it has another name.
            raise IllegalGraphError(self.graph.names.get(error.node, error.node), error.rule, error.remedy) from error

    def nodes(self, folded: Folded) -> Mapping[str, str]:
        """hls4ml's layer names and the graph's."""
        return {layer: str(self.graph.model.find_producer(tensor).name) for layer, tensor in folded.tensors().items()}
