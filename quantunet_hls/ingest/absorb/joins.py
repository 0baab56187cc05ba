"""What puts several images together."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from onnx import NodeProto

from quantunet_hls.ingest.absorb.bends import as_lines
from quantunet_hls.ingest.absorb.whole_graph import WholeGraph, line_of, needs_quantizer
from quantunet_hls.ingest.scales import Held, is_identity
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.values import IDENTITY, Chain, scaled

__all__ = ["joined"]


def joined(graph: WholeGraph, node: NodeProto, parts: Sequence[Held]) -> Held:
    """Channels one after the other, sums, or products."""
    parts = [as_lines(graph, graph.read(node, part)) for part in parts]
    chains = tuple(chain for part in parts for chain in part.chains)
    if kind_of(node).product:
        chains = _multiplied(node, parts)
    elif kind_of(node).new_values:
        each = _added(node, parts)
        if each is None:
            return Held(node.output[0], (IDENTITY,) * len(parts[0].chains), (), None, tuple(parts))
        chains = each
    graph.placed(node, [part.tensor for part in parts], node.output[0])
    return Held(node.output[0], chains, (), () if is_identity(chains) else None)


def _added(node: NodeProto, parts: Sequence[Held]) -> tuple[Chain, ...] | None:
    """What sums stand for; None where the scales of their numbers differ."""
    found = []
    for chains in zip(*(part.chains for part in parts), strict=True):
        lines = [line_of(node, chain) for chain in chains]
        if len({line.factor for line in lines}) > 1:
            return None
        found.append(scaled(lines[0].factor, sum((line.offset for line in lines), Fraction(0))))
    return tuple(found)


def _multiplied(node: NodeProto, parts: Sequence[Held]) -> tuple[Chain, ...]:
    """Products of numbers of any scales; a single channel goes with each of the other's."""
    channels, found = max(len(part.chains) for part in parts), []
    for chains in zip(*(part.chains * (channels // len(part.chains)) for part in parts), strict=True):
        lines = [line_of(node, chain) for chain in chains]
        if any(line.offset for line in lines):
            raise needs_quantizer(node, "it multiplies numbers of which none stands for 0")
        found.append(scaled(lines[0].factor * lines[1].factor))
    return tuple(found)
