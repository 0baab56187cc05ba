"""Nodes that were left to be fitted get their numbers, for those that are proven to come."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest.passes.fit_sums import sums_fitted
from quantunet_hls.ingest.ranges import RangeProof
from quantunet_hls.ingest.scales import PLAN, Levels, Ordered, Plan, SumLevels, Weighing
from quantunet_hls.ops.qonnx.graph import attribute, copy_of
from quantunet_hls.ops.qonnx.ranges import Range
from quantunet_hls.ops.qonnx.values import pieces_of
from quantunet_hls.ops.stages.requantize.fit import MAX_SUM_BITS
from quantunet_hls.ops.stages.requantize.layer_fit import ChannelSteps, fit_layer, steps_of
from quantunet_hls.ops.stages.requantize.onnx import requantize_node
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.types.fixed import covering

__all__ = ["MAX_TREADS", "fit_scales"]

#: Steps of all channels of a quantizer together, beyond which it takes minutes to fit it.
MAX_TREADS = 1 << 21


def fit_scales(model: ModelWrapper, plans: Sequence[Plan]) -> ModelWrapper:
    """A channels-last graph with the numbers of all nodes that have a plan.

    Raises:
        IllegalGraphError: a step function that no factor, offset and shift have.
    """
    if not plans:
        return model
    model = copy_of(model)
    fitting = _Fitting(model, plans)
    for node in model.graph.node:
        fitting.take(node)
    return model


class _Fitting:
    """Nodes are taken in order, so that it is proven what comes to each."""

    def __init__(self, model: ModelWrapper, plans: Sequence[Plan]):
        self._model, self._plans, self._proof = model, plans, RangeProof(model)
        self._planned = {number: node for node in model.graph.node if (number := attribute(node, PLAN)) is not None}
        self._found: dict[int, Requantize] = {}

    def take(self, node: NodeProto) -> None:
        """Fit it, if it has a plan, and prove it."""
        number = attribute(node, PLAN)
        if number is not None:
            stage = self._fitted(node, number)
            node.CopyFrom(requantize_node(self._model, stage, node.input[0], node.output[0], node.name))
        self._proof.take(node)

    def _fitted(self, node: NodeProto, number: int) -> Requantize:
        if number in self._found:
            return self._found[number]
        plan = self._plans[number]
        if isinstance(plan, Weighing):
            return self._weighed(plan.sum)[number]
        (given,) = self._proof.given(node)
        if isinstance(plan, Levels):
            return _levels(node, plan, given)
        assert isinstance(plan, Ordered), "what weighs a sum comes before its levels"
        return _order(node, plan, given)

    def _weighed(self, number: int) -> dict[int, Requantize]:
        """What weighs both operands of a sum, and its levels, by the numbers of their plans."""
        plan, node = self._plans[number], self._planned[number]
        assert isinstance(plan, SumLevels)
        own = [each for each, other in enumerate(self._plans) if other == Weighing(number)]
        given = [self._proof.given(self._planned[each])[0] for each in own]
        self._found |= zip((*own, number), sums_fitted(node, plan, given), strict=True)
        return self._found


def _levels(node: NodeProto, plan: Levels, given: Range) -> Requantize:
    step = Fraction(2) ** given.exponent
    steps: list[ChannelSteps] = []
    held = 0
    for chain, quantizer, low, high in zip(plan.chains, plan.quantizers, given.low, given.high, strict=True):
        held += min(quantizer.high - quantizer.low, int(high) - int(low)) + 1
        if held > MAX_TREADS:
            raise IllegalGraphError(node.name, f"its {len(plan.chains)} channels have more than {MAX_TREADS:,} levels",
                                    "quantize to fewer bits")
        steps.append(steps_of(pieces_of(chain, int(low), int(high), step), int(high), quantizer))
    stage = fit_layer(steps, -given.exponent, plan.fraction)
    if stage is None:
        raise IllegalGraphError(node.name, "no multiplication with a shift has exactly its steps, for some of the "
                                "values that come lie in the middle between two of its levels",
                                "use a quantizer with another scale, or one with rounding mode FLOOR")
    return stage


def _order(node: NodeProto, plan: Ordered, given: Range) -> Requantize:
    """Whole numbers in the order of ``x + b`` for fractions b: what is left of b beside whole numbers decides ties."""
    lines = [chain.line for chain in plan.chains]
    step = Fraction(2) ** given.exponent
    offsets = [(line.offset - (plan.limit or 0)) / (line.factor * step) for line in lines if line is not None]
    rests = sorted({offset - offset.__floor__() for offset in offsets})
    if plan.limit is not None:
        # Whole numbers exceed a limit if they exceed the whole number below it: x + b > 0, x > -b, x + ceil(b) > 0.
        rests, numbers = rests[:1], [offset.__ceil__() for offset in offsets]
    else:
        numbers = [offset.__floor__() * len(rests) + rests.index(offset - offset.__floor__()) for offset in offsets]
    ends = [len(rests) * int(end) + number for bound in (given.low, given.high)
            for end, number in zip(bound, numbers, strict=True)]
    if max(map(abs, ends)) >> MAX_SUM_BITS:
        raise IllegalGraphError(node.name, "its channels are too far apart to be compared", "put a quantizer behind it")
    low, high = min(ends), max(ends)
    return Requantize(covering(low, high), low, high, 0, ((len(rests),) * len(numbers),), (tuple(numbers),), (),
                      -given.exponent)
