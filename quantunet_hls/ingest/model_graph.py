"""From hls4ml's ModelGraph to the typed network: the one reader, for whoever computes, folds or builds it.

What no layer is, is read here: a fork (Clone) is its source, and a transpose to
channels first at the output is a property of the network. Each layer's own
reader is in its room. Of a model for C++ the same reader tells the design as
well, in which forks and transposes are functions like the layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ops.cpp.design import CppDesign, CppLayer, CppStream
from quantunet_hls.ops.model_graph import CPP_BACKENDS, Given, LayerReader, Node
from quantunet_hls.ops.network import Layer, TypedNetwork
from quantunet_hls.ops.table import OPERATORS, facet

if TYPE_CHECKING:
    # hls4ml loads its plug-ins, and with them this package, before that module is complete.
    from hls4ml.model.graph import ModelGraph

__all__ = ["check_streaming_cpp", "read_cpp", "read_network"]


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


def read_cpp(model: ModelGraph) -> CppDesign:
    """The C++ that hls4ml writes of a model, with its streams at the depths that they have.

    Raises:
        ConfigurationError: several inputs or outputs; another backend's model, or one whose C++ does not stream.
        IllegalGraphError: as for :func:`read_network`.
    """
    check_streaming_cpp(model, "Depths and resources are those of")
    reader = _Reader(model)
    reader.read()
    return reader.cpp()


def check_streaming_cpp(model: ModelGraph, what: str) -> None:
    """Refuse a model whose C++ does not stream.

    Args:
        what: wants the streaming C++, at the beginning of a sentence that goes on with it.

    Raises:
        ConfigurationError: what it is instead.
    """
    backend, io_type = model.config.backend.name, model.config.get_config_value("IOType")
    if backend not in CPP_BACKENDS or io_type != "io_stream":
        raise ConfigurationError(f"{what} the streaming C++ of {' and '.join(CPP_BACKENDS)}, not {io_type} of "
                                 f"{backend}; convert the network for one of these.")


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
        #: All nodes, and the layer that each is read as; None for forks and transposes.
        self.nodes: list[tuple[Node, Layer | None]] = []
        #: Which layer a tensor comes from, and its type.
        self.tensors: dict[str, Given] = {}
        self.channels_first = False

    def read(self) -> TypedNetwork:
        backend = str(self.model.config.backend.name)
        for each in self.model.get_layers():
            self._read(Node(each, backend))
        result = self.tensors[self.model.outputs[0]].layer.name
        return TypedNetwork(tuple(self.layers), result, self.channels_first)

    def cpp(self) -> CppDesign:
        """The functions of what was read, and the streams between them."""
        writers = {tensor: node for node, _ in self.nodes for tensor in node.outputs}
        return CppDesign(tuple(
            CppLayer(node.name, node.kind, layer, node.outputs[0], tuple(self._streams(node, writers)),
                     node.integer("reuse_factor", 1),
                     *((node.constant_type("weight"), node.type("accum_t")) if node.has_constants("weight") else ()))
            for node, layer in self.nodes))

    def _streams(self, node: Node, writers: Mapping[str, Node]) -> Iterator[CppStream]:
        for tensor in node.inputs:
            # The network's input is read from outside.
            if tensor in writers:
                given, writer = self.tensors[tensor], writers[tensor]
                yield CppStream(writer.name, node.name, tensor, given.layer.shape, given.type, writer.depth(tensor))

    def _read(self, node: Node) -> None:
        if self.channels_first:
            raise IllegalGraphError(node.name, "it comes after a transpose to channels first",
                                    "leave the channels last up to the network's output")
        # The first layer is where images enter.
        given = [self.tensors[tensor] for tensor in node.inputs] if self.layers else []
        layer = None
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
        self.nodes.append((node, layer))

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
