"""The forms of the facet ``cpp``: what hls4ml is told of an operator or a stage, and what its C++ does and costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from onnx import GraphProto, NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.modules import Module
from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.table import OPERATORS, STAGES, facet, stage_facet

if TYPE_CHECKING:
    # hls4ml takes seconds, and only rooms with a kernel need it.
    from hls4ml.backends.template import Template
    from hls4ml.model.layers import Layer as Hls4mlLayer

__all__ = ["AddedLayer", "CppFacet", "CppNode", "LayerCpp", "NodeParser", "StageCpp", "cpp_facets", "cpp_nodes",
           "layer_cpp", "stage_cpp"]

L = TypeVar("L", bound=Layer)
S = TypeVar("S", bound=Stage)

#: How hls4ml's ONNX front end reads a node: from the node, the tensors that it reads, their shapes and the graph to the
#: attributes of hls4ml's layer.
NodeParser = Callable[[NodeProto, list[str], list[list[int]], GraphProto], dict[str, Any]]


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
class AddedLayer:
    """A class of layers that hls4ml lacks, for its extension API.

    Attributes:
        layer: the class, of hls4ml's ``Layer``.
        templates: what makes the C++ of its configuration and of its call, each from nothing.
        headers: the kernel, behind those of this package that it includes.
        handlers: by op type, how hls4ml's ONNX front end reads a node.
    """

    layer: type[Hls4mlLayer]
    templates: tuple[Callable[[], Template], ...]
    headers: tuple[Path, ...]
    handlers: Mapping[str, NodeParser]


@dataclass(frozen=True, kw_only=True)
class CppFacet:
    """What the facets of operators and of stages have in common.

    Attributes:
        nodes: what hls4ml is told, by ONNX's op types.
        added: what hls4ml lacks.
    """

    nodes: Mapping[str, CppNode] = field(default_factory=dict)
    added: tuple[AddedLayer, ...] = ()


def _unknown(*_: object) -> None:
    """The estimate of what nobody has published a report of."""


@dataclass(frozen=True)
class LayerCpp(CppFacet, Generic[L]):
    """The facet ``cpp`` of an operator.

    Attributes:
        actor: the loops of the function that computes a layer, over the streams that it reads.
        module: what is estimated of that function; gives None where nobody has published a report of its like.
        free: whether no module is made of it.
    """

    actor: Callable[[L, CppLayer], Actor]
    module: Callable[[L, CppLayer], Module | None] = _unknown
    free: bool = False


@dataclass(frozen=True)
class StageCpp(CppFacet, Generic[S]):
    """The facet ``cpp`` of a stage.

    Attributes:
        module: what is estimated of a function that computes nothing but the stage; gives None where nobody has
            published a report of its like.
    """

    module: Callable[[S, CppLayer], Module | None] = _unknown


def layer_cpp(layer: L) -> LayerCpp[L]:
    """The C++ of a layer of this kind."""
    found: LayerCpp[L] = facet(layer.kind, "cpp", LayerCpp)
    return found


def stage_cpp(stage: S) -> StageCpp[S]:
    """The C++ of a stage of this kind."""
    found: StageCpp[S] = stage_facet(stage.kind, "cpp", StageCpp)
    return found


@cache
def cpp_facets() -> tuple[CppFacet, ...]:
    """Those of all operators and stages."""
    return (*(facet(name, "cpp", LayerCpp) for name in OPERATORS),
            *(stage_facet(name, "cpp", StageCpp) for name in STAGES))


@cache
def cpp_nodes() -> Mapping[str, CppNode]:
    """By ONNX's op types; those that hls4ml is told nothing of are left out."""
    return {name: node for room in cpp_facets() for name, node in room.nodes.items()}
