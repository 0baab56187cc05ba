"""What adds up values, or looks them up."""

from __future__ import annotations

from onnx import NodeProto

from quantunet_hls.ingest.absorb.bends import lines_read
from quantunet_hls.ingest.absorb.whole_graph import WholeGraph, needs_quantizer
from quantunet_hls.ingest.scales import Held, is_identity
from quantunet_hls.ingest.whole_weights import whole_weights
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, attribute, consumers
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.quantizers import is_cast
from quantunet_hls.ops.qonnx.values import IDENTITY, scaled

__all__ = ["as_file", "convolved", "looked_up", "summed", "unknown"]


def convolved(graph: WholeGraph, node: NodeProto, held: Held) -> Held:
    """Sums of products of whole numbers; scales and bias go on."""
    held, lines = lines_read(graph, node, held)
    found = whole_weights(graph.given, node, lines)
    placed = graph.reading(node, [held.tensor])
    if found.changed:
        placed.input[1] = graph.weights(node, found.weights)
    graph.nodes.append(placed)
    if found.is_file:
        return Held(node.output[0], (IDENTITY,) * len(found.lines))
    del placed.input[2:]
    return Held(node.output[0], tuple(scaled(line.factor, line.offset) for line in found.lines), (), None)


def summed(graph: WholeGraph, node: NodeProto, held: Held) -> Held:
    """Linear functions of the image, such as means."""
    held, kind = graph.read(node, held), kind_of(node)
    readers = consumers(graph.given, node.output[0])
    if is_identity(held.chains) and all(reader.op_type in QUANT_OPS and is_cast(graph.given, reader)
                                        for reader in readers):
        return graph.emitted(node, held)
    held, lines = lines_read(graph, node, held)
    if any(line.offset for line in lines) and any(attribute(node, "pads", [0])):
        raise needs_quantizer(node, "it pads numbers of which none stands for 0")
    assert kind.summed is not None
    node_in = graph.reading(node, [held.tensor])
    whole = kind.summed(graph.model, node_in)
    nodes, multiple = ([node_in], 1) if whole is None else whole
    graph.nodes += nodes
    chains = tuple(scaled(line.factor / multiple, line.offset) for line in lines)
    return Held(node.output[0], chains, (), () if is_identity(chains) else None)


def looked_up(graph: WholeGraph, node: NodeProto, held: Held) -> Held:
    """A table, which takes and gives numbers of any scale."""
    table_for = kind_of(node).looked_up
    held, lines = lines_read(graph, node, held)
    assert table_for is not None
    found = table_for(node, lines[0]) if len(set(lines)) == 1 else None
    if found is None:
        raise needs_quantizer(node, "it reads other numbers than its table has")
    table, factor = found
    graph.nodes.append(graph.reading(table, [held.tensor]))
    return Held(node.output[0], (scaled(factor),) * graph.channels(node.output[0]))


def as_file(graph: WholeGraph, node: NodeProto, held: Held) -> Held:
    """A node that knows of no scales."""
    held = graph.read(node, held)
    if not is_identity(held.chains):
        raise needs_quantizer(node, f"{node.op_type} reads numbers of a scale that is no power of two",
                              "a power-of-two quantizer")
    return graph.emitted(node, held)


def unknown(graph: WholeGraph, node: NodeProto, held: Held) -> Held:
    """What stands for a node that can't be built: of numbers of the file's own, whatever it reads."""
    return graph.emitted(node, held.addends[0] if held.addends else held)
