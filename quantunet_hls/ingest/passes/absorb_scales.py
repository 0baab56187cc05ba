"""Scales of any kind leave the graph: hardware holds whole numbers, and every quantizer is a step function of them.

Weights become the integers that their quantizers make of them. What stands behind an
integer accumulator up to the next quantizer (scales, biases, batch normalization,
constants, slopes) is gathered in a chain for every channel, exactly, and becomes one
node ``Requantize`` with the quantizer. What only moves values stays where it is; where
it picks the largest of values that fall as hardware's numbers rise, the quantizer
behind it moves in front.

A part of a network in which all scales are powers of two comes out as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError, together
from quantunet_hls.ingest.absorb.bends import as_lines
from quantunet_hls.ingest.absorb.ends import ended, ordered
from quantunet_hls.ingest.absorb.joins import joined
from quantunet_hls.ingest.absorb.moves import bent, moved
from quantunet_hls.ingest.absorb.quantizers import quantized
from quantunet_hls.ingest.absorb.sums import as_file, convolved, looked_up, summed, unknown
from quantunet_hls.ingest.absorb.whole_graph import WholeGraph
from quantunet_hls.ingest.scales import Plan, Scales, is_identity
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, only, replace_nodes, shape_of
from quantunet_hls.ops.qonnx.node_kinds import STAND_IN, kind_of

__all__ = ["Absorbed", "absorb_scales"]


@dataclass(frozen=True)
class Absorbed:
    """A graph of whole numbers.

    Attributes:
        model: in the file's layout; the very graph that was given where all of it stays as it was.
        plans: of the nodes that are still to be fitted, by number.
        scales: what its numbers mean.
    """

    model: ModelWrapper
    plans: tuple[Plan, ...] = ()
    scales: Scales = field(default_factory=Scales)


def absorb_scales(model: ModelWrapper, output: str) -> Absorbed:
    """The graph in whole numbers, and what its numbers mean.

    Args:
        model: legal, with explicit attributes.
        output: "mask" where the class of each pixel is to be found behind the result.

    Raises:
        IllegalGraphError: scales meet that no quantizer brings together; names the nodes and where to put one.
    """
    graph = WholeGraph(model)
    broken = []
    for node in model.graph.node:
        try:
            _take(graph, node)
        except IllegalGraphError as error:
            broken.append(error)
            # What is behind it is looked at as if it were built and quantized.
            graph.held[node.output[0]] = graph.own(node.output[0])
    if broken:
        raise together(broken)
    return _finished(graph, output)


def _take(graph: WholeGraph, node: NodeProto) -> None:
    """A node whose images have been taken."""
    images = [name for name in node.input if name in graph.held]
    kind = kind_of(node)
    if not images:
        # Quantizers of constants; the one that nobody reads any more goes in the end.
        graph.nodes.append(node)
        return
    held = graph.held[images[0]]
    steps = None if kind.steps is None else kind.steps(graph.given, node, graph.axes[images[0]])
    if node.op_type == STAND_IN.op_type:
        found = unknown(graph, node, held)
    elif node.op_type in QUANT_OPS or kind.curved is not None:
        found = quantized(graph, node, held)
    elif steps is not None:
        found = bent(graph, node, held, steps)
    elif not kind.alone(node) or (kind.joins and len(images) < len(node.input)):
        raise IllegalGraphError(node.name, f"{node.op_type} is built only of numbers for each channel, or for all",
                                "use one number a channel")
    elif kind.weighted:
        found = convolved(graph, node, held)
    elif kind.looked_up is not None:
        found = looked_up(graph, node, held)
    elif kind.joins:
        found = joined(graph, node, [graph.held[name] for name in images])
    elif not kind.new_values and not kind.blends(node):
        found = moved(graph, node, held)
    elif kind.classes or kind.real:
        found = ended(graph, node, held)
    elif kind.summed is not None:
        found = summed(graph, node, held)
    else:
        found = as_file(graph, node, held)
    graph.held[node.output[0]] = found


def _finished(graph: WholeGraph, output: str) -> Absorbed:
    """The graph and what its numbers mean."""
    result = only(graph.given, "output")
    held, last = as_lines(graph, graph.settled(graph.held[result])), graph.given.find_producer(result)
    assert last is not None, "the legality check wants a layer"
    if held.waiting or any(chain.line is None for chain in held.chains):
        raise IllegalGraphError(last.name, "the network ends in an activation without a quantizer",
                                "put one behind it")
    if output == "mask" and not kind_of(last).classes:
        held = ordered(graph, last, held, Fraction(0) if len(held.chains) == 1 else None)
    tensors = {name: part.chains for name, part in graph.held.items()
               if part.tensor == name and not is_identity(part.chains)}
    nodes = _read_nodes(graph.nodes, held.tensor)
    if len(nodes) == len(graph.given.graph.node) and not (graph.plans or graph.port or tensors or graph.whole):
        return Absorbed(graph.given)
    if held.tensor != result:
        shape, former = shape_of(graph.model, held.tensor), shape_of(graph.given, result)
        del graph.model.graph.output[:]
        if any(result in node.output for node in nodes):
            graph.model.set_tensor_shape(result, list(former), TensorProto.FLOAT)
        graph.model.graph.output.append(helper.make_tensor_value_info(held.tensor, TensorProto.FLOAT, shape))
    replace_nodes(graph.model, nodes)
    # Classes are classes, whatever the numbers behind them.
    meaning = None if is_identity(held.chains) or output == "mask" else held.chains
    return Absorbed(graph.model, tuple(graph.plans), Scales(graph.port, tensors, meaning, whole=True))


def _read_nodes(nodes: Sequence[NodeProto], result: str) -> list[NodeProto]:
    """Those on whose results the graph's depends."""
    read, kept = {result}, []
    for node in reversed(nodes):
        if not read.isdisjoint(node.output):
            read.update(node.input)
            kept.append(node)
    return kept[::-1]
