"""From hls4ml's ModelGraph to the typed network: the one reader, for whoever computes, folds or builds it.

What no layer is, is read here: a fork (Clone) is its source, and a transpose to
channels first at the output is a property of the network. Each layer's own
reader is in its room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.network import Layer, TypedNetwork
from quantunet_hls.ops.table import OPERATORS, facet

if TYPE_CHECKING:
    # hls4ml loads its plug-ins, and with them this package, before that module is complete.
    from hls4ml.model.graph import ModelGraph

__all__ = ["read_network"]


def read_network(model: ModelGraph) -> TypedNetwork:
    """A model after conversion, for any backend, as a typed network.

    Types and weights are read as they are after hls4ml's own inference. What a
    single executor can't compute is not refused here but by that executor.

    Raises:
        ConfigurationError: several inputs or outputs.
        IllegalGraphError: a layer or a type whose arithmetic is not known here; names the layer.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ConfigurationError(f"A network has one input and one output here, not {len(model.inputs)} and "
                                 f"{len(model.outputs)}; split the network.")
    return _Reader(model).read()


@cache
def _classes() -> Mapping[str, Callable[[Node, Sequence[Given]], Layer]]:
    """How a layer of each of hls4ml's classes is read."""
    readers = [facet(kind, "model_graph", LayerReader) for kind in OPERATORS]
    return {name: read for reader in readers for name, read in reader.classes.items()}


class _Reader:
    """Goes through the model once, in its order."""

    def __init__(self, model: ModelGraph):
        self.model = model
        self.layers: list[Layer] = []
        #: Which layer a tensor comes from, and its type.
        self.tensors: dict[str, Given] = {}
        self.channels_first = False

    def read(self) -> TypedNetwork:
        backend = str(self.model.config.backend.name)
        for each in self.model.get_layers():
            self._read(Node(each, backend))
        result = self.tensors[self.model.outputs[0]].layer.name
        return TypedNetwork(tuple(self.layers), result, self.channels_first)

    def _read(self, node: Node) -> None:
        if self.channels_first:
            raise IllegalGraphError(node.name, "it comes after a transpose to channels first",
                                    "leave the channels last up to the network's output")
        # The first layer is where images enter.
        given = [self.tensors[tensor] for tensor in node.inputs] if self.layers else []
        if node.kind == "Clone":
            self._fork(node, given[0])
        elif node.kind == "Transpose":
            self._transpose(node, given[0])
        elif node.kind in _classes():
            layer = _classes()[node.kind](node, given)
            self.layers.append(layer)
            self.tensors[node.outputs[0]] = Given(layer, node.result())
        else:
            raise IllegalGraphError(node.name, f"there is no emulation and no RTL for a layer of kind {node.kind!r}",
                                    f"leave it to the host or use one of {', '.join(_classes())}")

    def _fork(self, node: Node, given: Given) -> None:
        for tensor in node.outputs:
            kind = node.result(tensor)
            if kind != given.type:
                raise IllegalGraphError(node.name, f"there is no arithmetic for a fork from {given.type} to {kind}",
                                        "give both one type")
            self.tensors[tensor] = given

    def _transpose(self, node: Node, given: Given) -> None:
        if node.integers("perm") != (2, 0, 1) or node.outputs[0] not in self.model.outputs:
            raise IllegalGraphError(node.name, "only the output can be transposed, to channels first",
                                    "convert the network to channels last")
        self.channels_first = True
        self.tensors[node.outputs[0]] = given
