"""The form of the facet ``cpp``: what hls4ml is told of an operator or a stage, and what its C++ does and costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.folding.schedule import Actor
from quantunet_hls.ops.cpp.modules import Module
from quantunet_hls.ops.table import OPERATORS, STAGES, facet, stage_facet

__all__ = ["AddedLayer", "CppFacet", "CppLayer", "CppNode", "cpp_activations", "cpp_facets", "cpp_layers", "cpp_nodes"]


@dataclass(frozen=True)
class CppNode:
    """What hls4ml is told of the nodes of an op type, in a legal channels-last graph.

    Attributes:
        configure: adds to hls4ml's configuration of the layer, in place; from the graph, the node, and how many
            cycles a pixel takes on its multipliers.
        prepare: changes the node, in a copy for hls4ml's eyes only: constants that it would take for layers become
            attributes, or go.
    """

    configure: Callable[[ModelWrapper, NodeProto, int, dict[str, Any]], None] | None = None
    prepare: Callable[[ModelWrapper, NodeProto], None] | None = None


@dataclass(frozen=True)
class CppLayer:
    """A class of hls4ml's layers.

    Attributes:
        actor: the loops of such a layer over the streams of these writers.
        module: what is estimated of it; gives None where nobody has published a report of its like.
        free: whether no module is made of it.
    """

    actor: Callable[[Any, Sequence[str]], Actor]
    module: Callable[[Any], Module | None] | None = None
    free: bool = False


@dataclass(frozen=True)
class AddedLayer:
    """A class of layers that hls4ml lacks, for its extension API.

    Attributes:
        layer: the class, of hls4ml's ``Layer``.
        templates: what makes the C++ of its configuration and of its call, each from nothing.
        header: the kernel.
        handlers: by op type, how hls4ml's ONNX front end reads a node.
    """

    layer: type[Any]
    templates: tuple[Callable[[], Any], ...]
    header: Path
    handlers: Mapping[str, Callable[..., dict[str, Any]]]


@dataclass(frozen=True)
class CppFacet:
    """The facet ``cpp`` of an operator or a stage.

    Attributes:
        nodes: by ONNX's op types.
        layers: by the names of hls4ml's classes, without the backend's prefix.
        activations: for each of hls4ml's activation functions, what is estimated of a layer of it.
        added: what hls4ml lacks.
    """

    nodes: Mapping[str, CppNode] = field(default_factory=dict)
    layers: Mapping[str, CppLayer] = field(default_factory=dict)
    activations: Mapping[str, Callable[[Any], Module | None]] = field(default_factory=dict)
    added: tuple[AddedLayer, ...] = ()


@cache
def cpp_facets() -> tuple[CppFacet, ...]:
    """Those of all operators and stages."""
    return (*(facet(name, "cpp", CppFacet) for name in OPERATORS),
            *(stage_facet(name, "cpp", CppFacet) for name in STAGES))


@cache
def cpp_nodes() -> Mapping[str, CppNode]:
    """By ONNX's op types; those that hls4ml is told nothing of are left out."""
    return {name: node for room in cpp_facets() for name, node in room.nodes.items()}


@cache
def cpp_layers() -> Mapping[str, CppLayer]:
    """By hls4ml's classes."""
    return {name: layer for room in cpp_facets() for name, layer in room.layers.items()}


@cache
def cpp_activations() -> Mapping[str, Callable[[Any], Module | None]]:
    """By hls4ml's activation functions."""
    return {name: module for room in cpp_facets() for name, module in room.activations.items()}
