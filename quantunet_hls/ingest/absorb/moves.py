"""What moves values, or bends each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

from onnx import NodeProto

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest.absorb.whole_graph import WholeGraph
from quantunet_hls.ingest.scales import Held, is_identity
from quantunet_hls.ops.qonnx.graph import constant
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.values import Chain, Step

__all__ = ["bent", "check_waiting", "for_each", "moved"]

T = TypeVar("T")


def moved(graph: WholeGraph, node: NodeProto, held: Held) -> Held:
    """Values that move."""
    held = held if held.addends else graph.settled(held)
    kind, chains = kind_of(node), _chains_behind(graph, node, held)
    if held.waiting or held.addends or chains is None or (
            kind.largest and not all(chain.rises for chain in held.chains)) or (
            # Hardware's 0 has to be the file's; behind the quantizer it is.
            kind.zeros and any(chain.value(Fraction(0)) for chain in held.chains)):
        return replace(held, waiting=(*held.waiting, node), plain=None)
    graph.placed(node, [held.tensor], node.output[0])
    return replace(held, tensor=node.output[0], chains=chains, plain=() if is_identity(chains) else None)


def _chains_behind(graph: WholeGraph, node: NodeProto, held: Held) -> tuple[Chain, ...] | None:
    """Of each channel that a node moves values to; None where these differ within one."""
    origins_of, chains = kind_of(node).origins, held.chains
    if origins_of is None or held.waiting:
        return chains
    if len(set(chains)) == 1:
        return chains[:1] * graph.channels(node.output[0])
    origins = origins_of(graph.given, node, graph.axes[node.input[0]])
    return None if origins is None else tuple(chains[origin or 0] for origin in origins)


def for_each(node: NodeProto, held: Held, numbers: Sequence[T]) -> list[T]:
    """What a node does to each channel, as many as hardware has in front of the nodes that wait.

    Raises:
        IllegalGraphError: it does different things to channels among which values have moved.
    """
    if len(set(numbers)) == 1:
        return list(numbers[:1]) * len(held.chains)
    mixing = [waiting.name for waiting in held.waiting if kind_of(waiting).origins is not None]
    if mixing:
        raise IllegalGraphError(node.name, f"it has numbers for each channel behind {mixing[-1]!r}, which moves values "
                                "between channels that have some of their own", "put a quantizer between the two")
    return list(numbers)


def check_waiting(node: NodeProto, held: Held, *, zeros: bool, rises: bool) -> None:
    """Refuse a function of one value behind which what waits would give something else.

    Args:
        node: of the function.
        held: what it reads.
        zeros: whether it makes 0 of 0.
        rises: whether a larger value never gives a smaller one.

    Raises:
        IllegalGraphError: the function must stand behind what waits.
    """
    if any(kind_of(waiting).zeros for waiting in held.waiting) and not zeros:
        raise IllegalGraphError(node.name, f"it makes other numbers of the zeros that {held.waiting[-1].name!r} "
                                "puts", "put a quantizer between the two")
    largest = [waiting.name for waiting in held.waiting if kind_of(waiting).largest]
    if largest and not rises:
        raise IllegalGraphError(node.name, f"it turns the order of values round behind {largest[-1]!r}",
                                "put a quantizer between the two")


def bent(graph: WholeGraph, node: NodeProto, held: Held, steps: Sequence[Step]) -> Held:
    """A function of one value: a step more in every channel's chain."""
    each = for_each(node, held, steps)
    check_waiting(node, held, zeros=not any(step.value(Fraction(0)) for step in each),
                  rises=all(step.rises for step in each))
    chains = tuple(chain.then(step) for chain, step in zip(held.chains, each, strict=True))
    # What joins two images has no hardware for an image and a constant.
    alone = kind_of(node).alone(node) and not (
        kind_of(node).joins and any(constant(graph.given, name) is not None for name in node.input))
    plain = (*held.plain, node) if held.is_file and held.plain is not None and alone else None
    return replace(held, chains=chains, plain=plain)
