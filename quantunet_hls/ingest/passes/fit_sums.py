"""Sums of numbers of different scales, fitted for the pairs that are proven to come."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from onnx import NodeProto

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest.scales import SumLevels
from quantunet_hls.ops.qonnx.ranges import Range
from quantunet_hls.ops.qonnx.values import Chain, Line, pieces_of, scaled
from quantunet_hls.ops.stages.requantize.fit_sums import Asked, Pairs, Weighed, fit_sums
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.stages.requantize.steps import Quantizer, treads

__all__ = ["MAX_PAIRS", "sums_fitted"]

#: Pairs of integers that are looked at, of all channels that differ together.
MAX_PAIRS = 1 << 22


def sums_fitted(node: NodeProto, plan: SumLevels, given: Sequence[Range]) -> tuple[Requantize, Requantize, Requantize]:
    """What weighs both operands, and what makes levels of the sums.

    Args:
        node: the quantizer.
        plan: of it.
        given: what comes to the operands.

    Raises:
        IllegalGraphError: there are too many pairs, or no whole numbers that have all their levels.
    """
    keys = [_channel(plan, given, index) for index in range(len(plan.quantizers))]
    distinct = list(dict.fromkeys(keys))
    pairs = sum(len(one.integers) * len(other.integers) for one, other, _, _ in distinct)
    if pairs > MAX_PAIRS:
        raise IllegalGraphError(node.name, f"the sum before it has {pairs:,} pairs of numbers to be proven, where "
                                f"{MAX_PAIRS:,} are the limit", "put a quantizer in front of each branch of the sum")
    found = fit_sums([_asked(*key) for key in distinct], [distinct.index(key) for key in keys], plan.fraction)
    if found is None:
        raise IllegalGraphError(node.name, "no whole numbers that both branches of the sum before it are multiplied by "
                                "have exactly its steps", "share one quantizer between both branches")
    return found


def _channel(plan: SumLevels, given: Sequence[Range], index: int) -> tuple[Weighed, Weighed, Chain, Quantizer]:
    lines: list[Line] = [lines[index] for lines in plan.lines]
    one, other = (Weighed(line.factor * Fraction(2) ** part.exponent, int(part.low[index]), int(part.high[index]),
                          -part.exponent) for line, part in zip(lines, given, strict=True))
    chain = scaled(Fraction(1), lines[0].offset + lines[1].offset)
    for step in plan.behind[index].steps:
        chain = chain.then(step)
    return one, other, chain, plan.quantizers[index]


def _asked(one: Weighed, other: Weighed, chain: Chain, quantizer: Quantizer) -> Asked:
    pairs = Pairs(one, other)
    pieces = pieces_of(chain, pairs.first, pairs.last, pairs.step)
    return pairs.asked(treads(pieces, pairs.last, quantizer), [piece.factor / quantizer.scale for piece in pieces])
