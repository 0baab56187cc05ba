"""Nodes that were left to be fitted get their numbers, for those that are proven to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError, together
from quantunet_hls.ingest.passes.fit_sums import Written, sums_fitted
from quantunet_hls.ingest.ranges import RangeProof
from quantunet_hls.ingest.scales import PLAN, Levels, Ordered, Plan, SumLevels, Weighing
from quantunet_hls.ingest.whole_weights import common_measure
from quantunet_hls.ops.qonnx.bounds import UnboundedError
from quantunet_hls.ops.qonnx.curves import Curve
from quantunet_hls.ops.qonnx.graph import attribute, copy_of
from quantunet_hls.ops.qonnx.ranges import MAX_WIDTH, Range
from quantunet_hls.ops.qonnx.values import pieces_of
from quantunet_hls.ops.stages.multi_threshold.fit import MOST_BITS, thresholds_of_treads
from quantunet_hls.ops.stages.multi_threshold.onnx import threshold_node
from quantunet_hls.ops.stages.requantize.layer_fit import ChannelSteps, fit_layer, steps_of
from quantunet_hls.ops.stages.requantize.onnx import requantize_node
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.stages.requantize.steps import Rounding, nearest_threshold
from quantunet_hls.types.fixed import covering

__all__ = ["MAX_TREADS", "fit_scales"]

#: Steps of all channels of a quantizer together, beyond which it takes minutes to fit it.
MAX_TREADS = 1 << 21


def fit_scales(model: ModelWrapper, plans: Sequence[Plan], names: Mapping[str, str]
               ) -> tuple[ModelWrapper, float | None]:
    """A channels-last graph with the numbers of all nodes that have a plan, and how near they come to a threshold.

    Args:
        model: the graph.
        plans: by number.
        names: of its nodes in the network that is to be blamed.

    Raises:
        IllegalGraphError: step functions that no factor, offset and shift have, or values of too many bits.
    """
    if not plans:
        return model, None
    model = copy_of(model)
    fitting = _Fitting(model, plans)
    try:
        for node in model.graph.node:
            fitting.take(node)
    except IllegalGraphError as error:
        # A range that can't be proven; so nothing behind it can be.
        fitting.broken.append(error)
    if fitting.broken:
        raise together([IllegalGraphError(names.get(error.node, error.node), error.rule, error.remedy)
                        for error in fitting.broken])
    return model, float(min(fitting.nearest)) if fitting.nearest else None


#: In the place of those that can't be fitted, so that the others can be looked at.
_ANY_STEPS = Requantize(covering(-128, 127), -128, 127, 0, ((1,),), ((0,),))


class _Fitting:
    """Nodes are taken in order, so that it is proven what comes to each."""

    def __init__(self, model: ModelWrapper, plans: Sequence[Plan]):
        self._model, self._plans, self._proof = model, plans, RangeProof(model)
        self._planned = {number: node for node in model.graph.node if (number := attribute(node, PLAN)) is not None}
        self._found: dict[int, Written] = {}
        self.nearest: list[Fraction] = []
        self.broken: list[IllegalGraphError] = []

    def take(self, node: NodeProto) -> None:
        """Fit it, if it has a plan, and prove it."""
        number = attribute(node, PLAN)
        if number is not None:
            try:
                written = self._fitted(node, number)
            except IllegalGraphError as error:
                self.broken.append(error)
                written = self._as_product(_ANY_STEPS)
            node.CopyFrom(written(node.input[0], node.output[0], node.name))
        self._proof.take(node)

    def _as_product(self, stage: Requantize) -> Written:
        return partial(requantize_node, self._model, stage)

    def _fitted(self, node: NodeProto, number: int) -> Written:
        if number in self._found:
            return self._found[number]
        plan = self._plans[number]
        try:
            return self._of_plan(node, number, plan)
        except UnboundedError as error:
            raise IllegalGraphError(node.name, f"its function has no value that can be computed for {error}",
                                    "put a quantizer of smaller values in front of it") from error

    def _of_plan(self, node: NodeProto, number: int, plan: Plan) -> Written:
        if isinstance(plan, Weighing):
            return self._weighed(plan.sum)[number]
        (given,) = self._proof.given(node)
        if isinstance(plan, Levels):
            return self._levels(node, plan, given)
        assert isinstance(plan, Ordered), "what weighs a sum comes before its levels"
        return self._as_product(_order(node, plan, given))

    def _levels(self, node: NodeProto, plan: Levels, given: Range) -> Written:
        step = Fraction(2) ** given.exponent
        steps: list[ChannelSteps] = []
        held, tied = 0, False
        for chain, quantizer, low, high in zip(plan.chains, plan.quantizers, given.low.tolist(), given.high.tolist(),
                                               strict=True):
            held += min(quantizer.high - quantizer.low, high - low) + 1
            if held > MAX_TREADS:
                raise IllegalGraphError(node.name, f"its {len(plan.chains)} channels have more than {MAX_TREADS:,} "
                                        "levels", "quantize to fewer bits")
            pieces = pieces_of(chain, low, high, step)
            steps.append(steps_of(pieces, high, quantizer))
            nearest = nearest_threshold(pieces, high, quantizer)
            self.nearest += [] if nearest is None else [nearest]
            tied = tied or (nearest == 0 and getattr(quantizer, "half_even", False))
        # Thresholds have any steps that rise or fall, and say what they are of.
        stage = None if plan.probabilities else fit_layer(steps, -given.exponent, plan.fraction)
        if stage is None:
            searched = thresholds_of_treads([channel.treads for channel in steps], -given.exponent, plan.fraction,
                                            probabilities=plan.probabilities)
            if searched is None:
                raise _unfitted(node, plan.quantizers[0], steps, given, tied=tied)
            return partial(threshold_node, self._model, searched)
        return self._as_product(stage)

    def _weighed(self, number: int) -> dict[int, Written]:
        """What weighs both operands of a sum, and its levels, by the numbers of their plans."""
        plan, node = self._plans[number], self._planned[number]
        assert isinstance(plan, SumLevels)
        own = [each for each, other in enumerate(self._plans) if other == Weighing(number)]
        given = [self._proof.given(self._planned[each])[0] for each in own]
        # Where one of the three is refused, so are the others, once.
        self._found |= dict.fromkeys((*own, number), self._as_product(_ANY_STEPS))
        self._found |= zip((*own, number), sums_fitted(self._model, node, plan, given), strict=True)
        return self._found


def _unfitted(node: NodeProto, quantizer: Rounding, steps: Sequence[ChannelSteps], given: Range, *, tied: bool
              ) -> IllegalGraphError:
    """Why neither a multiplication with a shift nor thresholds have the steps of all channels."""
    def illegal(reason: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(
            node.name, f"no multiplication with a shift has exactly its steps, for {reason}, and thresholds would have "
            f"to rise and fall, or to be more than {(1 << MOST_BITS) - 1}", remedy)

    if isinstance(quantizer, Curve):
        return illegal("a function that is no line stands in front of it",
                       "quantize to at most 8 bits, or put a quantizer of at most 12 bits in front of the function")
    if tied:
        even = " or an even zero point" if quantizer.zero % 2 else ""
        return illegal("some of the values that come lie in the middle between two of its levels",
                       f"use a quantizer with another scale, or one with rounding mode FLOOR{even}")
    lines = max(len(channel.lines) for channel in steps)
    if lines > 2:
        return illegal(f"what stands in front of it makes {lines} lines of them, of which two can be built",
                       "put a quantizer between two of these functions")
    width = covering(int(given.low.min()), int(given.high.max())).width
    return illegal(f"what comes has {width} bits", "quantize what is summed in front of it to fewer bits")


def _order(node: NodeProto, plan: Ordered, given: Range) -> Requantize:
    """Whole numbers in the order of the file's: ``m * x + b`` with whole m, in a unit that divides all factors.

    What is left of b beside a whole number decides between numbers that are equal without it.
    """
    lines = [line for chain in plan.chains if (line := chain.line) is not None]
    unit = common_measure([line.factor for line in lines])
    factors = [int(line.factor / unit) for line in lines]
    offsets = [(line.offset - (plan.limit or 0)) / (unit * Fraction(2) ** given.exponent) for line in lines]
    rests = sorted({offset - offset.__floor__() for offset in offsets})
    if plan.limit is not None:
        # A whole number exceeds -b if it exceeds the whole number below that: m * x + ceil(b) > 0.
        rests, numbers = rests[:1], [offset.__ceil__() for offset in offsets]
    else:
        numbers = [offset.__floor__() * len(rests) + rests.index(offset - offset.__floor__()) for offset in offsets]
    factors = [factor * len(rests) for factor in factors]
    ends = [factor * int(end) + number for bound in (given.low, given.high)
            for factor, end, number in zip(factors, bound, numbers, strict=True)]
    if max(map(abs, ends)) >> MAX_WIDTH - 1:
        raise IllegalGraphError(node.name, "the scales of its channels have no common measure by which they could be "
                                "compared", "put a quantizer behind it, or use weights of one scale for all filters")
    low, high = min(ends), max(ends)
    return Requantize(covering(low, high), low, high, 0, (tuple(factors),), (tuple(numbers),), (), -given.exponent)
