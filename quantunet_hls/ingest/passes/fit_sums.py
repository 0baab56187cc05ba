"""Sums of numbers of different scales, fitted for the pairs that are proven to come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest.scales import SumLevels
from quantunet_hls.ops.qonnx.ranges import MAX_WIDTH, Range
from quantunet_hls.ops.qonnx.values import Chain, Line, pieces_of, scaled
from quantunet_hls.ops.stages.multi_threshold.fit_sums import SumSteps, fit_sum_thresholds
from quantunet_hls.ops.stages.multi_threshold.onnx import threshold_node
from quantunet_hls.ops.stages.requantize.fit_sums import Pairs, Weighed, fit_sums
from quantunet_hls.ops.stages.requantize.onnx import requantize_node
from quantunet_hls.ops.stages.requantize.steps import Rounding, treads

__all__ = ["MAX_SUM_LEVELS", "Written", "sums_fitted"]

#: Levels of all channels that differ together, beyond which it takes minutes to fit them.
MAX_SUM_LEVELS = 1 << 20


#: The node of what was fitted, between two tensors and of a name.
Written = Callable[[str, str, str], NodeProto]


def sums_fitted(model: ModelWrapper, node: NodeProto, plan: SumLevels, given: Sequence[Range]
                ) -> tuple[Written, Written, Written]:
    """What weighs both operands, and what makes levels of the sums.

    Args:
        model: that takes their constants.
        node: the quantizer.
        plan: of it.
        given: what comes to the operands.

    Raises:
        IllegalGraphError: there are too many levels, or no whole numbers that have all of them.
    """
    keys = [_channel(plan, given, index) for index in range(len(plan.quantizers))]
    distinct = list(dict.fromkeys(keys))
    levels = sum(quantizer.high - quantizer.low + 1 for *_, quantizer in distinct)
    if levels > MAX_SUM_LEVELS:
        raise IllegalGraphError(node.name, f"its channels have {levels:,} levels of a sum of two scales, where "
                                f"{MAX_SUM_LEVELS:,} are the limit", "quantize to fewer bits")
    steps = [_steps(*key) for key in distinct]
    channels = [each for each in steps if each is not None]
    if len(channels) == len(steps):
        which = [distinct.index(key) for key in keys]
        # Thresholds take more memory, and have any steps; and they say what they are of.
        found = None if plan.probabilities else fit_sums([channel.asked for channel in channels], which, plan.fraction)
        if found is not None:
            one, other, behind = (partial(requantize_node, model, stage) for stage in found)
            return one, other, behind
        searched = fit_sum_thresholds(channels, which, plan.fraction, probabilities=plan.probabilities)
        if searched is not None:
            one, other = (partial(requantize_node, model, stage) for stage in searched[:2])
            return one, other, partial(threshold_node, model, searched[2])
    raise IllegalGraphError(node.name, f"no whole numbers of up to {MAX_WIDTH} bits weigh both branches of the sum "
                            "before it so that it has exactly its steps",
                            "put a quantizer in front of each branch of the sum, best the same one")


def _channel(plan: SumLevels, given: Sequence[Range], index: int) -> tuple[Weighed, Weighed, Chain, Rounding]:
    lines: list[Line] = [lines[index] for lines in plan.lines]
    one, other = (Weighed(line.factor * Fraction(2) ** part.exponent, int(part.low[index]), int(part.high[index]),
                          -part.exponent) for line, part in zip(lines, given, strict=True))
    chain = scaled(Fraction(1), lines[0].offset + lines[1].offset)
    for step in plan.behind[index].steps:
        chain = chain.then(step)
    return one, other, chain, plan.quantizers[index]


def _steps(one: Weighed, other: Weighed, chain: Chain, quantizer: Rounding) -> SumSteps | None:
    pairs = Pairs(one, other)
    pieces = pieces_of(chain, pairs.first, pairs.last, pairs.step)
    found = treads(pieces, pairs.last, quantizer)
    asked = pairs.asked(found, [slope for slope, _ in quantizer.lines(pieces, found)])
    return None if asked is None else SumSteps(pairs, found, asked)
