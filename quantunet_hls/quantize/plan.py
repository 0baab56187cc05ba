"""Where a float network needs quantizers: behind the image, and wherever hardware goes on with fewer bits than a sum.

Which are to have one scale follows from the joins: what is concatenated or added is put side by side as integers, so
all that flows into it (through poolings and upsampling, which make no new values) has the same step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import (
    QUANT_DOMAINS,
    QUANT_OPS,
    IndexedModel,
    constant,
    consumers,
    copy_of,
    only,
    replace_nodes,
)
from quantunet_hls.ops.qonnx.node_kinds import node_kinds

__all__ = ["Plan", "plan_quantizers"]


@dataclass(frozen=True, eq=False)
class Plan:
    """A float network with a place for every quantizer of activations.

    Attributes:
        written: the graph, in its own layout, as a file has it; its Quant nodes say nothing yet.
        model: the same with the attributes that :mod:`quantunet_hls.ingest` computes by.
        port: name of the Quant node behind the image.
        groups: names of all other Quant nodes, those with one scale together, by the first one's name.
        layers: names of the nodes with weights, in order.
        feeds: for each of these the Quant nodes whose values it reads.
        looked_up: Quant nodes whose values nothing but functions of one value read, which are tables of them.
    """

    written: IndexedModel
    model: IndexedModel
    port: str
    groups: Mapping[str, tuple[str, ...]]
    layers: tuple[str, ...]
    feeds: Mapping[str, frozenset[str]]
    looked_up: frozenset[str]


def plan_quantizers(model: ModelWrapper) -> Plan:
    """Put them in; nodes that can't be built stay, for the legality check to refuse."""
    model = copy_of(model)
    draft = _Draft(model, _tabled(model))
    for node in list(model.graph.node):
        draft.take(node)
    replace_nodes(model, draft.nodes)
    if not any(entry.domain == QUANT_DOMAINS[0] for entry in model.model.opset_import):
        model.model.opset_import.add(domain=QUANT_DOMAINS[0], version=1)
    quantizers = [str(node.name) for node in model.graph.node if node.op_type in QUANT_OPS]
    groups: dict[str, list[str]] = {}
    for name in quantizers[1:]:
        groups.setdefault(draft.first(name), []).append(name)
    looked_up = frozenset(
        str(node.name) for node in model.graph.node if node.op_type in QUANT_OPS and (
            readers := consumers(model, node.output[0])) and all(one.output[0] in draft.functions for one in readers))
    return Plan(model, model, quantizers[0], {names[0]: tuple(names) for names in groups.values()}, tuple(draft.feeds),
                draft.feeds, looked_up)


@dataclass(eq=False)
class _Draft:
    """The graph as far as it has been looked at.

    Attributes:
        model: knows shapes and constants.
        tabled: of :func:`_tabled`.
        nodes: of the new graph.
        sources: for each tensor of quantized values the quantizers that gave them.
        quantized: for each tensor of other values the one behind its quantizer.
        images: tensors that depend on the image.
        functions: tensors that are part of a function of one quantized value.
        feeds: of each node with weights.
        leader: another quantizer with the same scale, for all but one of a group.
    """

    model: IndexedModel
    tabled: Mapping[str, str]
    nodes: list[NodeProto] = field(default_factory=list)
    sources: dict[str, frozenset[str]] = field(default_factory=dict)
    quantized: dict[str, str] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    feeds: dict[str, frozenset[str]] = field(default_factory=dict)
    leader: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        image = only(self.model, "input")
        self.images.add(image)
        self.port = next(iter(self.sources[self.codes(image)]))

    def first(self, name: str) -> str:
        """The quantizer that stands for a group."""
        while name in self.leader:
            name = self.leader[name]
        return name

    def take(self, node: NodeProto) -> None:
        """The next node of the float graph."""
        kind, image = node_kinds().get(node.op_type), only(self.model, "input")
        places = [place for place, name in enumerate(node.input) if name in self.images]
        root = self.tabled.get(str(node.output[0]))
        for place in places:
            name = node.input[place]
            if root is not None and name in self.functions:
                continue
            at_the_end = kind is not None and kind.real and node.output[0] == only(self.model, "output")
            sums = _takes_sums(node, len(places)) or (at_the_end and len(places) == 1)
            if name == image or name in self.functions or root is not None or not sums:
                node.input[place] = self.codes(name)
        self.nodes.append(node)
        if not places:
            return
        self.images.update(node.output)
        if root is not None:
            self.functions.add(str(node.output[0]))
        if kind is None or root is not None:
            return
        if kind.weighted:
            self.feeds[str(node.name)] = self.sources[node.input[0]]
        if kind.one_scale and len(places) > 1:
            self._unite(node, places)
        if not kind.new_values and not kind.blends(node):
            self.sources[node.output[0]] = frozenset().union(*(self.sources[node.input[place]] for place in places))

    def codes(self, tensor: str) -> str:
        """The tensor itself where its values are quantized, else the one behind its quantizer."""
        if tensor in self.sources:
            return tensor
        if tensor not in self.quantized:
            self.quantized[tensor] = self._quantizer(tensor)
        return self.quantized[tensor]

    def _unite(self, node: NodeProto, places: list[int]) -> None:
        """One scale for what a join reads; the image has its own, so there another quantizer comes in between."""
        for place in places:
            if self.port in self.sources[node.input[place]] and len(places) > 1:
                between = self._quantizer(node.input[place])
                # It was put behind the join, which is the last node so far.
                self.nodes[-2:] = reversed(self.nodes[-2:])
                node.input[place] = between
        leaders = sorted({self.first(name) for place in places for name in self.sources[node.input[place]]})
        for other in leaders[1:]:
            self.leader[other] = leaders[0]

    def _quantizer(self, tensor: str) -> str:
        """A quantizer for a tensor; returns what it writes."""
        result = _fresh(f"{tensor}_quantized", self._names())
        constants = [f"{result}_{role}" for role in ("scale", "zero", "bits")]
        for name, value in zip(constants, (1.0, 0.0, 8.0), strict=True):
            self.model.set_initializer(name, np.array(value, np.float32))
        writer = next((str(node.name) for node in self.nodes if tensor in node.output), "image")
        name = _fresh(f"{writer}_quantizer", {str(node.name) for node in self.nodes})
        self.nodes.append(helper.make_node("Quant", [tensor, *constants], [result], name=name, domain=QUANT_DOMAINS[0],
                                           signed=1, narrow=0, rounding_mode="ROUND"))
        shape = self.model.get_tensor_shape(tensor)
        if shape is not None:
            self.model.set_tensor_shape(result, shape, TensorProto.FLOAT)
        self.sources[result] = frozenset((name,))
        self.images.add(result)
        return result

    def _names(self) -> Iterator[str]:
        for node in (*self.model.graph.node, *self.nodes):
            yield from (*node.input, *node.output)


def _takes_sums(node: NodeProto, images: int) -> bool:
    """Whether a node with so many images is computed on sums as they are, in front of the quantizer behind it."""
    kind = node_kinds().get(node.op_type)
    return kind is not None and images == 1 and (kind.on_sums or kind.classes or kind.steps is not None)


def _tabled(model: ModelWrapper) -> dict[str, str]:
    """Tensors that are part of a function of one value which only a table computes, and the tensor of that value.

    Such a function is what hardware has no other way for (a tanh), or arithmetic in which a value meets itself (x times
    a sigmoid of x). Nothing within it is rounded. What the network ends in is another matter.
    """
    roots: dict[str, str] = {}
    within: dict[str, set[str]] = {}
    found: dict[str, str] = {}
    for node in model.graph.node:
        names = {str(name) for name in node.input if name and constant(model, name) is None}
        result = str(node.output[0])
        above = {roots.get(name, name) for name in names}
        if not names or len(above) != 1 or not _works_value_by_value(model, node) or result == only(model, "output"):
            continue
        (roots[result],) = above
        within[result] = set().union(*(within.get(name, set()) for name in names)) | {result}
        if len(names) > 1 or names <= found.keys() or not _takes_sums(node, 1):
            found |= dict.fromkeys(within[result], roots[result])
    return found


def _works_value_by_value(model: ModelWrapper, node: NodeProto) -> bool:
    kind = node_kinds().get(node.op_type)
    constants = [values for name in node.input if name and (values := constant(model, name)) is not None]
    return (kind is not None and kind.bounds is not None and kind.is_of_its_domain(node)
            and all(values.size == 1 for values in constants))


def _fresh(name: str, taken: Iterator[str] | set[str]) -> str:
    known = set(taken)
    candidate, count = name, 1
    while candidate in known:
        candidate, count = f"{name}_{count}", count + 1
    return candidate
