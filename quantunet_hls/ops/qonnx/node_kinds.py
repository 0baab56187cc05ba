"""What an operator's ONNX facet says of the nodes of an op type, and the list of them all.

What walks graphs (legality, shapes, layouts, ranges, execution) asks the kind of
each node and knows no operator by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.balance import ConvWork
from quantunet_hls.ops.qonnx.bounds import Bounds
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute, shape_of
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed, all_values
from quantunet_hls.ops.qonnx.values import Line, Step
from quantunet_hls.ops.stages.requantize.steps import Rounding
from quantunet_hls.ops.table import OPERATORS, STAGES, facet, stage_facet
from quantunet_hls.types.fixed import FixedType

__all__ = ["OWN", "STANDARD", "STAND_IN", "TRANSPOSE", "Layout", "NodeKind", "OnnxNodes", "Relabelling", "Rule",
           "behind_real_values", "kind_of", "node_kinds"]

#: ONNX's own domain, as files spell it.
STANDARD = ("", "ai.onnx")

#: Domain of nodes that this package puts into a graph before the legality check; no file's node keeps it.
OWN = "quantunet_hls"

#: On which physical axis each logical axis (batch, channels, height, width) lies.
Layout = tuple[int, int, int, int]

#: What a legality rule says of a node.
Rule = Callable[[ModelWrapper, NodeProto], "IllegalGraphError | None"]


@dataclass(frozen=True)
class Relabelling:
    """A node on its way to (batch, height, width, channels).

    Attributes:
        given: the node as it was.
        node: its copy, to be changed in place.
        layout: of its images.
        shape: of its first image, by logical axes: batch, channels, height, width.
        constants: of the copy, by its names of them; a relabelled one takes the place of the old one.
    """

    given: NodeProto
    node: NodeProto
    layout: Layout
    shape: tuple[int, ...]
    constants: dict[str, np.ndarray]


def _stays(_model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    return [node]


@dataclass(frozen=True)
class NodeKind:
    """All that is known of the nodes of one op type.

    Attributes:
        op_type: as ONNX, QONNX, or a lowering of this package calls it.
        run: computes a node from its inputs, constants among them, in double precision.
        ranges: the proof (see :mod:`quantunet_hls.ingest.ranges`) on a channels-last graph, from the ranges of the
            images that a node reads; raises OverflowError beyond what can be counted with. None where no node of
            the kind is left by then.
        rules: legality; each is asked of every node that reads images, whatever the others say.
        quantized: those that a network breaks where quantizers are missing; a float network is told so once.
        domains: those it is known in, :data:`CHANNELS_LAST` aside.
        admitted: whether a file may have it; else only lowerings make it.
        spatial: whether it reads height and width where they lie, so that there is one for channels last too.
        joins: whether every input is an image; else only the first one.
        kernels: inputs that lie channels last together with the image of a spatial node.
        roles: what its inputs behind the first are called.
        weighted: whether inputs 1 and 2 are weights and biases.
        classes: whether its result is a class index.
        real: whether its result is a real number and no fixed-point one.
        any_input: whether it computes with all values of its input's type, and not only with those proven.
        copies: whether its result has no type but its input's.
        new_values: whether its results are other numbers than those that it reads.
        blends: whether those of a node without new values may lie between numbers that it reads.
        origins: of what moves values between channels, for each channel of its result the one of its input that it
            is, None for zeros; takes the graph, the node and the axis of the channels, and gives None where a channel
            has values of several. No function where channels stay where they are.
        finer: fraction bits that its results have beyond those of its finest input, weights aside.
        plain: brings a node, in place, from each form that files may have into the one that its rules read; where it
            can't, it leaves it to them.
        stands_for: the nodes of other kinds that a file's node is short for, in order, where its rules have nothing
            against it; constants may be set in the model, and shapes of what lies between them are.
        explicit: writes down, in place, what a file may leave out.
        lowered: the nodes that a legal node becomes, in order; constants may be set in the model.
        with_padding: a copy with zeros (top, left, bottom, right) around its image as its own padding; None where
            it can't take them.
        relabel: what changes besides the layout of images and kernels; raises IllegalGraphError.
        plain_end: brings it, in place, into its one form where it is the network's last node.
        work: multiplications of a node, on a channels-last graph.
        steps: of a function of one value, what it makes of the values of each channel, or of all channels; takes the
            graph, the node and the axis of the channels. None where the node is no such function.
        alone: whether there is hardware that computes the node by itself, in fixed-point numbers.
        zeros: whether it puts zeros of its own among the values that it moves.
        largest: whether its results are the largest of several values.
        summed: of a linear function, nodes that compute a whole multiple of its result with whole weights, and that
            multiple; None where the node itself does so.
        divisor: of a linear function, a whole number that makes its results of whole numbers whole.
        own_type: whether its numbers were fitted to its result's type, so that nobody may choose another.
        on_sums: whether it is computed on sums as they are, in front of the quantizer behind them.
        one_scale: whether the images that it joins are to have one scale.
        exact: whether hls4ml's result is that of the node, and not one that only the quantizer behind it makes equal.
        bounds: what it gives, value by value, for inputs within bounds, to so many decimal digits; None where it is no
            such function, so that it can't be part of a table. Raises UnboundedError.
        monotone: of a function of one value, 1 where a larger one never gives a smaller result, -1 where never a larger
            one, 0 where neither is known; takes the node and, by input, the constants, None for the value.
        curved: of a quantizer behind a function, for each channel or for all, what makes levels of values.
        gate: whether a node gives the probability of what it reads, which is 0.5 where that is 0.
        looked_up: of a table, the table for numbers of which the file's are a line, and how many of the file's one of
            its results stands for; None where there is none.
        product: whether its result is the product of the images that it joins.
        pointwise: whether each of its values is made of one, by constants that are one for all or one a channel, on
            their last axis on a channels-last graph.
    """

    op_type: str
    run: Callable[[NodeProto, list[np.ndarray]], np.ndarray]
    ranges: Callable[[ModelWrapper, NodeProto, Sequence[Range]], Typed] | None = None
    rules: tuple[Rule, ...] = ()
    quantized: tuple[Rule, ...] = ()
    domains: tuple[str, ...] = STANDARD
    admitted: bool = True
    spatial: bool = False
    joins: bool = False
    kernels: tuple[int, ...] = ()
    roles: tuple[str, ...] = ()
    weighted: bool = False
    classes: bool = False
    real: bool = False
    any_input: bool = False
    copies: bool = False
    new_values: bool = True
    blends: Callable[[NodeProto], bool] = lambda _node: False
    origins: Callable[[ModelWrapper, NodeProto, int], Sequence[int | None] | None] | None = None
    finer: Callable[[NodeProto], int] = lambda _node: 0
    plain: Callable[[ModelWrapper, NodeProto], None] | None = None
    stands_for: Callable[[ModelWrapper, NodeProto], list[NodeProto]] | None = None
    explicit: Callable[[ModelWrapper, NodeProto], None] | None = None
    lowered: Callable[[ModelWrapper, NodeProto], list[NodeProto]] = _stays
    with_padding: Callable[[NodeProto, Sequence[int]], NodeProto | None] | None = None
    relabel: Callable[[Relabelling], None] | None = None
    plain_end: Callable[[ModelWrapper, NodeProto], None] | None = None
    work: Callable[[ModelWrapper, NodeProto], ConvWork] | None = None
    steps: Callable[[ModelWrapper, NodeProto, int], Sequence[Step] | None] | None = None
    alone: Callable[[NodeProto], bool] = lambda _node: True
    zeros: bool = False
    largest: bool = False
    summed: Callable[[ModelWrapper, NodeProto], tuple[list[NodeProto], int] | None] | None = None
    divisor: Callable[[ModelWrapper, NodeProto], int] | None = None
    own_type: bool = False
    on_sums: bool = False
    one_scale: bool = False
    exact: Callable[[NodeProto], bool] = lambda _node: True
    bounds: Callable[[NodeProto, Sequence[Bounds], int], Bounds] | None = None
    monotone: Callable[[NodeProto, Sequence[Fraction | None]], int] = lambda _node, _constants: 0
    curved: Callable[[NodeProto], Sequence[Rounding]] | None = None
    gate: Callable[[NodeProto], bool] = lambda _node: False
    looked_up: Callable[[NodeProto, Line], tuple[NodeProto, Fraction] | None] | None = None
    product: bool = False
    pointwise: bool = False

    @property
    def tabulated(self) -> bool:
        """Whether it stands for nodes between two quantizers, and holds what these two make of it."""
        return self.looked_up is not None or self.curved is not None

    def is_of_its_domain(self, node: NodeProto) -> bool:
        """Whether a node is what its name says: elsewhere another operator may have the same."""
        return node.domain in self.domains or (self.spatial and node.domain == CHANNELS_LAST)


@dataclass(frozen=True)
class OnnxNodes:
    """The facet ``onnx`` of an operator or a stage: the kinds of nodes that mean it, none where ONNX has none."""

    kinds: tuple[NodeKind, ...] = ()


def _order_of_axes(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    if len(shape_of(model, node.input[0])) != 4:
        return IllegalGraphError(node.name, "only images (four axes) can be transposed",
                                 "keep batch, channels, height and width from layer to layer")
    perm = attribute(node, "perm", [3, 2, 1, 0])
    if sorted(perm) != [0, 1, 2, 3]:
        return IllegalGraphError(node.name, f"its perm {perm} is no order of four axes", "export the network again")
    if perm[0] != 0:
        return IllegalGraphError(node.name, "the batch must stay the first axis", "transpose the other three only")
    return None


def _transpose(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(inputs[0].transpose(attribute(node, "perm")))


#: No operator: it says where the axes of the same values lie, and relabelling takes it away.
TRANSPOSE = NodeKind("Transpose", _transpose, rules=(_order_of_axes,), new_values=False)


#: What anything gives that can't be built.
_ANYTHING = FixedType(8, 4, signed=True)


def _of_anything(model: ModelWrapper, node: NodeProto, _inputs: Sequence[Range]) -> Typed:
    return all_values(_ANYTHING, shape_of(model, node.output[0])[-1]), LayerTypes(_ANYTHING)


def _never_run(node: NodeProto, _inputs: list[np.ndarray]) -> np.ndarray:
    raise AssertionError(f"{node.name} stands for a node that can't be built")


#: What is left of a node that can't be built, so that the others can be looked at.
STAND_IN = NodeKind("StandIn", _never_run, _of_anything, domains=(OWN,), admitted=False)


@cache
def node_kinds() -> Mapping[str, NodeKind]:
    """Every kind by op type: those of operators and stages in the order of their tables, and those of no room."""
    rooms = [*(facet(name, "onnx", OnnxNodes) for name in OPERATORS),
             *(stage_facet(name, "onnx", OnnxNodes) for name in STAGES)]
    return {kind.op_type: kind for kind in (*(kind for room in rooms for kind in room.kinds), TRANSPOSE, STAND_IN)}


def kind_of(node: NodeProto) -> NodeKind:
    """The kind of a legal graph's node."""
    return node_kinds()[node.op_type]


def behind_real_values(model: ModelWrapper, exact: Collection[str]) -> set[str]:
    """Tensors that come of real numbers, which are compared with nothing: fixed-point ones are near them.

    Args:
        model: the graph.
        exact: tensors that a table holds exactly, whatever they come of.
    """
    reached: set[str] = set()
    for node in model.graph.node:
        if kind_of(node).real or reached.intersection(node.input):
            reached.update(set(node.output).difference(exact))
    return reached
