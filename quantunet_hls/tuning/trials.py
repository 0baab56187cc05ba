"""What a choice of types makes of a network, what that costs, and what it does to the masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from torch import Tensor

from quantunet_hls.ingest import HardwareGraph, ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.tuning.calibrate import Calibration, best_fraction, calibrate, fit_layers
from quantunet_hls.tuning.choice import Choice, Move, changes_of, groups_of, moves, start_of
from quantunet_hls.tuning.cost import Cost, loads
from quantunet_hls.tuning.measure import Meter
from quantunet_hls.tuning.pictures import RangeRow
from quantunet_hls.tuning.requantize import requantize, requantize_hardware, stored_constants
from quantunet_hls.tuning.rounding import Fitted, fit
from quantunet_hls.tuning.search import Point
from quantunet_hls.types import FixedType

__all__ = ["Final", "Trials", "narrowed", "trials_of"]


@dataclass(frozen=True, eq=False)
class Final:
    """A network as it would be handed out, measured.

    Attributes:
        graph: of the network, ingested anew.
        point: what it costs and what it does.
    """

    graph: HardwareGraph
    point: Point


@dataclass(frozen=True, eq=False)
class Trials:
    """A network, and all that is needed to try types on it.

    Attributes:
        graph: the network before tuning.
        images: that it was calibrated with (N, H, W, C).
        seen: what they say about it.
        groups: quantizers that have one type, by the first one's name.
        natural: the types that it has.
        cost: what is to be small.
        multipliers: of all convolutions, for the cost.
    """

    graph: HardwareGraph
    images: Tensor
    seen: Calibration
    groups: Mapping[str, tuple[str, ...]]
    natural: Choice
    cost: Cost
    multipliers: int
    # A layer's weights at a width are the same whatever the others have.
    _fitted: dict[tuple[str, int], Fitted] = field(default_factory=dict, repr=False)

    def start(self, widest: int | None) -> Choice:
        """The types that the network has, none wider than that."""
        return self.natural if widest is None else narrowed(self, widest)

    def moves(self, choice: Choice) -> list[Move]:
        """Every bit that can go."""
        return moves(choice, self.values)

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """What lies in front of each group of quantizers."""
        return {first: np.concatenate([self.seen.values[name] for name in names])
                for first, names in self.groups.items()}

    def quick(self, choice: Choice, meter: Meter) -> Point:
        """What a choice does, each layer's weights fitted by themselves."""
        changes = changes_of(self.graph, self.groups, choice, self._each_fitted(choice))
        return self._point(requantize_hardware(self.graph, changes), meter)

    def final(self, choice: Choice, meter: Meter) -> Final:
        """The network of a choice, fitted in the way that keeps more of its accuracy."""
        changes = changes_of(self.graph, self.groups, choice, self._each_fitted(choice))
        graphs = [ingest(requantize(self.graph, changes))]
        if choice.weights != self.natural.weights:
            # Fitted one behind the other, each layer makes up for what those before it lost.
            fitted = fit_layers(self.seen, graphs[0].model, self.images, choice.weights, fit)
            graphs.append(ingest(requantize(self.graph, changes_of(self.graph, self.groups, choice, fitted))))
        return max((Final(graph, self._point(graph, meter)) for graph in graphs), key=lambda final: final.point.dice)

    def rows(self, final: Final) -> tuple[list[RangeRow], list[RangeRow]]:
        """Weights and activations of the network before, and the types that they have after."""
        types = infer_types(final.graph.model).layers
        weights = [RangeRow(str(node.name), stored_constants(self.graph, str(node.name), 1), kind)
                   for node in final.graph.model.graph.node if (kind := types[node.name].weight) is not None]
        return weights, [RangeRow(name, values, types[name].result) for name, values in self.seen.values.items()]

    def _point(self, graph: HardwareGraph, meter: Meter) -> Point:
        types = infer_types(graph.model)
        dice, agreement = meter(graph, types)
        return Point(self.cost(list(loads(graph, types, self.multipliers).values())), dice, 1 - agreement)

    def _each_fitted(self, choice: Choice) -> dict[str, Fitted]:
        """Weights of the convolutions that get fewer bits than they have."""
        return {conv: self._fitted_to(conv, width) for conv, width in choice.weights.items()
                if width < self.natural.weights[conv]}

    def _fitted_to(self, conv: str, width: int) -> Fitted:
        if (conv, width) not in self._fitted:
            node = next(node for node in self.graph.model.graph.node if node.name == conv)
            weights = np.asarray(self.graph.model.get_initializer(node.input[1]), np.float64)
            self._fitted[conv, width] = fit(weights, self.seen.moments[conv], width)
        return self._fitted[conv, width]


def trials_of(graph: HardwareGraph, images: Tensor, cost: Cost, multipliers: int) -> Trials:
    """Calibrate a network with images (N, H, W, C)."""
    return Trials(graph, images, calibrate(graph.model, images), groups_of(graph), start_of(graph), cost, multipliers)


def narrowed(trials: Trials, widest: int) -> Choice:
    """The types that the network has, none wider than that."""
    values = trials.values
    return Choice(
        {first: _narrowed(kind, widest, values[first]) for first, kind in trials.natural.activations.items()},
        {conv: min(width, widest) for conv, width in trials.natural.weights.items()})


def _narrowed(kind: FixedType, width: int, values: np.ndarray) -> FixedType:
    if kind.width <= width:
        return kind
    return FixedType(width, best_fraction(values, width, kind.signed), kind.signed, kind.rounding, kind.saturation)
