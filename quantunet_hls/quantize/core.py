"""From a float network and images to the graph of a quantized one, at given widths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor

from quantunet_hls.ingest import check_legal
from quantunet_hls.ingest.passes.explicit_attributes import explicit_attributes
from quantunet_hls.ingest.passes.tabulate import tabulate
from quantunet_hls.ops.qonnx.filters import filters_of
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, constant, shape_of
from quantunet_hls.quantize.assemble import assemble
from quantunet_hls.quantize.images import CalibrationImages, spread_evenly
from quantunet_hls.quantize.network import FloatNetwork
from quantunet_hls.quantize.plan import Plan, plan_quantizers
from quantunet_hls.quantize.signs import signed_quantizers
from quantunet_hls.tuning.calibrate import Calibration, Cast, calibrate, fit_layers
from quantunet_hls.tuning.grids import IMAGE, Grid, Scales, best_grid
from quantunet_hls.tuning.rounding import FittedFilters, Moments, fit, fit_filters
from quantunet_hls.tuning.widths import Widths

__all__ = ["Calibrated", "Quantized", "calibrated", "planned"]

#: Bits that an activation has more where nothing but a table reads it, which rounds it once more.
_LOOKED_UP = 2
#: Values of the largest tensor over all calibration images together, four bytes each.
_MOST_VALUES = 1 << 27


@dataclass(frozen=True, eq=False)
class Quantized:
    """A quantized network.

    Attributes:
        model: its QONNX graph.
        grids: of each quantizer.
        layers: weights and biases of each layer.
    """

    model: ModelWrapper
    grids: Mapping[str, Grid]
    layers: Mapping[str, FittedFilters]


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A float network with places for its quantizers, and what images say about it.

    Attributes:
        plan: of the network.
        images: that it was shown, float32, as it takes them.
        port: grid of the hardware's.
        observed: what it made of them.
        signed: whether a quantizer can meet values below 0.
        scales: what the steps of its quantizers may be.
    """

    plan: Plan
    images: Tensor
    port: Grid
    observed: Calibration
    signed: Mapping[str, bool]
    scales: Scales
    # A group's best grid at a width is the same whatever the others have, and so are a layer's own weights.
    _best: dict[tuple[str, int], Grid] = field(default_factory=dict, repr=False)
    _fitted: dict[tuple[str, int], FittedFilters] = field(default_factory=dict, repr=False)

    @property
    def model(self) -> ModelWrapper:
        """The graph, with quantizers that say nothing yet."""
        return self.plan.model

    @cached_property
    def reads(self) -> dict[str, frozenset[str]]:
        """For each layer the groups of quantizers whose values it reads; the image's is none."""
        group = {name: first for first, names in self.plan.groups.items() for name in names}
        return {layer: frozenset(group[feed] for feed in feeds if feed in group)
                for layer, feeds in self.plan.feeds.items()}

    def uniform(self, weights: int, activations: int) -> Widths:
        """The same bits everywhere, the image apart, which has 8."""
        return Widths(dict.fromkeys(self.plan.groups, activations), dict.fromkeys(self.plan.layers, weights))

    def grids(self, widths: Widths) -> dict[str, Grid]:
        """The best grid of each quantizer."""
        grids = {self.plan.port: self.port}
        for first, names in self.plan.groups.items():
            width = widths.activations[first] + (_LOOKED_UP if self.plan.looked_up.issuperset(names) else 0)
            if (first, width) not in self._best:
                values = np.concatenate([self.observed.values[name] for name in names])
                self._best[first, width] = best_grid(values, any(self.signed[name] for name in names), width,
                                                     self.scales)
            grids |= dict.fromkeys(names, self._best[first, width])
        return grids

    def casts(self, widths: Widths) -> dict[str, Cast]:
        """What the quantizers make of their values."""
        return {name: grid.cast for name, grid in self.grids(widths).items()}

    def fitted(self, layer: str, width: int) -> FittedFilters:
        """Weights of one layer, on what the float network in front of it makes of the images."""
        if (layer, width) not in self._fitted:
            self._fitted[layer, width] = self._fit(self.observed.filters[layer], self.observed.moments[layer], width)
        return self._fitted[layer, width]

    def quantized(self, widths: Widths) -> Quantized:
        """The network with its weights fitted layer after layer, so that each makes up for those before it."""
        grids = self.grids(widths)
        layers = fit_layers(self.observed, self.plan.model, self.images, widths.weights, self._fit,
                            {name: grid.cast for name, grid in grids.items()})
        return Quantized(assemble(self.plan, grids, layers, self.scales), grids, layers)

    def _fit(self, filters: np.ndarray, seen: Moments, width: int) -> FittedFilters:
        if self.scales is Scales.FLOAT:
            return fit_filters(filters, seen, width)
        found = fit(filters, seen, width)
        return FittedFilters(width, np.full(len(filters), found.type.step), found.weights, found.biases)


def calibrated(network: FloatNetwork, images: CalibrationImages, scales: Scales,
               progress: Callable[[str], None] = lambda line: None) -> Calibrated:
    """Find places for the quantizers of a network, and look what images do there.

    Args:
        network: to be quantized.
        images: that it is shown; only some of them where its tensors are large.
        scales: what the steps of the quantizers may be.
        progress: called with a line for each part that takes long.

    Raises:
        IllegalGraphError: a node can't be built exactly.
    """
    plan, drafted = planned(network, scales)
    check_legal(drafted)
    plan = replace(plan, model=explicit_attributes(plan.written))
    largest = max(int(np.prod(shape_of(plan.model, node.output[0]))) for node in plan.model.graph.node)
    shown = images.values[spread_evenly(len(images.values), max(1, _MOST_VALUES // largest))]
    progress(f"Calibrating with {len(shown)} images")
    casts: dict[str, Cast] = {str(node.name): _as_it_is for node in plan.model.graph.node if node.op_type in QUANT_OPS}
    observed = calibrate(plan.model, shown, {**casts, plan.port: images.port.cast})
    return Calibrated(plan, shown, images.port, observed, signed_quantizers(plan, shown[:1], images.port), scales)


def _as_it_is(values: Tensor) -> Tensor:
    return values


def planned(network: FloatNetwork, scales: Scales) -> tuple[Plan, ModelWrapper]:
    """Where quantizers go, and for the legality check the network with some that say something."""
    plan = plan_quantizers(network.folded)
    return plan, tabulate(_draft(plan, scales))


def _draft(plan: Plan, scales: Scales) -> ModelWrapper:
    layers = {}
    for node in plan.model.graph.node:
        if node.name in plan.feeds:
            weights = constant(plan.model, node.input[1])
            assert weights is not None
            filters = filters_of(node, weights) if weights.ndim == 4 else weights
            layers[str(node.name)] = FittedFilters(8, np.ones(len(filters)), filters, np.zeros(len(filters)))
    names = [plan.port, *(name for names in plan.groups.values() for name in names)]
    return assemble(plan, dict.fromkeys(names, IMAGE), layers, scales)
