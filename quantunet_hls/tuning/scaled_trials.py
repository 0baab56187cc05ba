"""What widths make of a network whose scales may be any, what that costs, and what it does to the masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import HardwareGraph, ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.filters import weights_of
from quantunet_hls.ops.qonnx.graph import constant
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.quantizers import quantizers_of
from quantunet_hls.ops.qonnx.ranges import to_steps
from quantunet_hls.tuning.cost import Cost, loads
from quantunet_hls.tuning.file_quantizers import file_quantizers
from quantunet_hls.tuning.measure import Meter
from quantunet_hls.tuning.narrowing import GivenNetwork, given_network, with_constants
from quantunet_hls.tuning.pictures import RangeRow
from quantunet_hls.tuning.search import Point
from quantunet_hls.tuning.trials import Final
from quantunet_hls.tuning.widths import WidthMove, Widths, WidthTrials, width_moves
from quantunet_hls.types import covering

__all__ = ["ScaledTrials", "scaled_trials_of"]


@dataclass(frozen=True, eq=False)
class ScaledTrials:
    """A network, and all that is needed to try widths on it.

    Attributes:
        graph: the network before tuning.
        network: the same with what calibration images say about it.
        trials: of its widths.
        multipliers: of all convolutions, for the cost.
    """

    graph: HardwareGraph
    network: GivenNetwork
    trials: WidthTrials
    multipliers: int

    def start(self, widest: int | None) -> Widths:
        """The widths that the network has, none wider than that."""
        return self.network.natural if widest is None else self.network.narrowed(widest)

    def moves(self, choice: Widths) -> list[WidthMove]:
        """Every bit that can go."""
        return width_moves(choice)

    def quick(self, choice: Widths, meter: Meter) -> Point:
        """What a choice does, each layer's weights fitted by themselves, in single precision."""
        return self.trials.point(choice, meter)

    def final(self, choice: Widths, meter: Meter) -> Final:
        """The network of a choice, fitted in the way that keeps more of its accuracy.

        Raises:
            IllegalGraphError: hardware can't have these scales beside one another.
        """
        if choice == self.network.natural:
            return Final(self.graph, self._point(self.graph, meter))
        graphs: list[HardwareGraph] = []
        refused: IllegalGraphError | None = None
        ways = [self.network.each_fitted]
        if choice.weights != self.network.natural.weights:
            ways.append(self.network.fitted_in_turn)
        for way in ways:
            try:
                graphs.append(ingest(way(choice)))
            except IllegalGraphError as error:
                refused = error
        if refused is not None and not graphs:
            raise refused
        return max((Final(graph, self._point(graph, meter)) for graph in graphs), key=lambda final: final.point.dice)

    def _point(self, graph: HardwareGraph, meter: Meter) -> Point:
        types = infer_types(graph.model)
        dice, agreement = meter(graph, types)
        cost = self.trials.cost(list(loads(graph, types, self.multipliers).values()))
        return Point(cost, dice, 1 - agreement)

    def rows(self, final: Final) -> tuple[list[RangeRow], list[RangeRow]]:
        """Weights and activations of the network before, in steps of the one after, and the types of their levels."""
        after = final.graph.original
        weights = [self._weights(final.graph, str(node.name)) for node in after.graph.node if kind_of(node).weighted]
        before = {one.name: one for one in file_quantizers(self.network.model)}
        activations = []
        for one in file_quantizers(with_constants(after)):
            steps = one.scales.flat[0] / before[one.name].scales.flat[0]
            activations.append(RangeRow(one.name, self.network.seen.values[one.name] / steps,
                                        covering(one.low, one.high, signed=one.low < 0)))
        return weights, activations

    def _weights(self, graph: HardwareGraph, name: str) -> RangeRow:
        model = graph.original
        (node,) = [node for node in model.graph.node if node.name == name]
        quantizer, values = model.find_producer(node.input[1]), weights_of(node, self.network.seen.filters[name])
        if quantizer is None:
            steps, exponent = to_steps(np.asarray(constant(model, node.input[1])))
            return RangeRow(name, values, covering(int(steps.min()), int(steps.max()), -exponent, signed=True))
        scale, one = constant(model, quantizer.input[1]), quantizers_of(model, quantizer)[0]
        assert scale is not None
        return RangeRow(name, values / scale, covering(one.low - one.zero, one.high - one.zero, signed=True))


def scaled_trials_of(graph: HardwareGraph, images: Tensor, cost: Cost, multipliers: int) -> ScaledTrials:
    """Calibrate a network with images (N, H, W, C)."""
    network = given_network(graph.original, torch.from_numpy(graph.to_original(images.numpy())).float())
    return ScaledTrials(graph, network, WidthTrials.of(network, graph, network.natural, cost, multipliers), multipliers)
