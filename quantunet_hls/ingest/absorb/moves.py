"""What moves values, or bends each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from onnx import NodeProto

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest.absorb.whole_graph import WholeGraph
from quantunet_hls.ingest.scales import Held, is_identity
from quantunet_hls.ops.qonnx.graph import constant
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.values import Step

__all__ = ["bent", "moved"]


def moved(graph: WholeGraph, node: NodeProto, held: Held) -> Held:
    """Values that move, channels in their order."""
    held = held if held.addends else graph.settled(held)
    channels, picks = graph.channels(node.output[0]), kind_of(node).picks
    if picks is not None and not held.waiting and not held.addends:
        held = replace(held, chains=tuple(held.chains[place] for place in picks(
            graph.given, node, graph.axes[node.input[0]])))
    if channels != len(held.chains):
        if len(set(held.chains)) > 1:
            raise IllegalGraphError(node.name, "it moves values between channels of different scales",
                                    "put a quantizer with one scale in front of it")
        held = replace(held, chains=held.chains[:1] * channels)
    kind = kind_of(node)
    if held.waiting or held.addends or (kind.largest and not all(chain.rises for chain in held.chains)) or (
            # Hardware's 0 has to be the file's; behind the quantizer it is.
            kind.zeros and any(chain.value(Fraction(0)) for chain in held.chains)):
        return replace(held, waiting=(*held.waiting, node), plain=None)
    graph.placed(node, [held.tensor], node.output[0])
    return replace(held, tensor=node.output[0], plain=() if is_identity(held.chains) else None)


def bent(graph: WholeGraph, node: NodeProto, held: Held, steps: Sequence[Step]) -> Held:
    """A function of one value: a step more in every channel's chain."""
    each = list(steps) * len(held.chains) if len(steps) == 1 else list(steps)
    if any(kind_of(waiting).zeros for waiting in held.waiting) and any(step.value(Fraction(0)) for step in each):
        raise IllegalGraphError(node.name, f"it makes other numbers of the zeros that {held.waiting[-1].name!r} "
                                "puts", "put a quantizer between the two")
    if held.waiting and not all(step.rises for step in each):
        raise IllegalGraphError(node.name, f"it turns the order of values round behind {held.waiting[-1].name!r}",
                                "put a quantizer between the two")
    chains = tuple(chain.then(step) for chain, step in zip(held.chains, each, strict=True))
    # What joins two images has no hardware for an image and a constant.
    alone = kind_of(node).alone(node) and not (
        kind_of(node).joins and any(constant(graph.given, name) is not None for name in node.input))
    plain = (*held.plain, node) if held.is_file and held.plain is not None and alone else None
    return replace(held, chains=chains, plain=plain)
