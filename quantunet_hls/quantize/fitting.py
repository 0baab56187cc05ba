"""What calibration images say about a planned network, and weights on grids that keep its sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from quantunet_hls.ingest.execute import run_node
from quantunet_hls.ops.qonnx.filters import filters_of, weights_of
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, constant, copy_of, only
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.quantize.grids import Grid, Scales
from quantunet_hls.quantize.plan import Plan
from quantunet_hls.tuning.rounding import FittedFilters, Moments, fit, fit_filters
from quantunet_hls.tuning.walk import Visit, walk
from quantunet_hls.tuning.windows import picked, sampled, window_moments, window_places

__all__ = ["Observed", "fit_each", "fit_in_turn", "observe"]


@dataclass(frozen=True, eq=False)
class Observed:
    """What the float network does with calibration images.

    Attributes:
        values: in front of each quantizer, some of them.
        signed: whether a quantizer can meet values below 0.
        places: which sums of each layer were kept.
        sums: these (places, filters).
        moments: of each layer, on its own inputs.
    """

    values: Mapping[str, np.ndarray]
    signed: Mapping[str, bool]
    places: Mapping[str, np.ndarray]
    sums: Mapping[str, np.ndarray]
    moments: Mapping[str, Moments]

    def of_group(self, names: tuple[str, ...]) -> tuple[np.ndarray, bool]:
        """Values in front of any of these quantizers, and whether they can be below 0."""
        return np.concatenate([self.values[name] for name in names]), any(self.signed[name] for name in names)


@torch.inference_mode()
def observe(plan: Plan, images: Tensor, port: Grid) -> Observed:
    """Run the float network.

    Args:
        plan: of the network.
        images: float32, in the order of axes that it takes.
        port: grid of the image.

    Raises:
        DataError: no images.
    """
    random = np.random.default_rng(0)
    values: dict[str, np.ndarray] = {}
    places: dict[str, np.ndarray] = {}
    sums: dict[str, np.ndarray] = {}
    seen: dict[str, Moments] = {}
    for visit in walk(plan.model, images):
        name = str(visit.node.name)
        if visit.node.op_type in QUANT_OPS:
            values[name] = sampled(visit.inputs[0], random)
            visit.keep(port.cast(visit.inputs[0]) if name == plan.port else visit.inputs[0])
            continue
        result = visit.compute(visit.inputs)
        if kind_of(visit.node).weighted:
            places[name] = window_places(result.shape, random)
            sums[name] = picked(result, places[name])
            seen[name] = _moments(plan, visit, places[name], sums[name])
    return Observed(values, _signed(plan, images[:1], port), places, sums, seen)


def fit_each(plan: Plan, observed: Observed, name: str, width: int, scales: Scales) -> FittedFilters:
    """Weights of one layer, on what the float network in front of it makes of the images."""
    return _fit(_filters(plan, name), observed.moments[name], width, scales)


@torch.inference_mode()
def fit_in_turn(plan: Plan, observed: Observed, images: Tensor, grids: Mapping[str, Grid],
                widths: Mapping[str, int], scales: Scales) -> dict[str, FittedFilters]:
    """Weights layer after layer, each on what those before it make of the images, so that it makes up for them.

    Args:
        plan: of the network.
        observed: of the same images.
        images: as for :func:`observe`.
        grids: of each quantizer.
        widths: of each layer's weights.
        scales: what their steps may be.
    """
    fitted: dict[str, FittedFilters] = {}
    for visit in walk(plan.model, images):
        name = str(visit.node.name)
        if visit.node.op_type in QUANT_OPS:
            visit.keep(grids[name].cast(visit.inputs[0]))
            continue
        if name in widths:
            seen = _moments(plan, visit, observed.places[name], observed.sums[name])
            fitted[name] = _fit(_filters(plan, name), seen, widths[name], scales)
            visit.inputs[1:] = [torch.from_numpy(np.ascontiguousarray(values)).float() for values in (
                weights_of(visit.node, fitted[name].weights), fitted[name].biases)]
        visit.compute(visit.inputs)
    return fitted


def _fit(filters: np.ndarray, seen: Moments, width: int, scales: Scales) -> FittedFilters:
    if scales is Scales.FLOAT:
        return fit_filters(filters, seen, width)
    found = fit(filters, seen, width)
    return FittedFilters(width, np.full(len(filters), found.type.step), found.weights, found.biases)


def _filters(plan: Plan, name: str) -> np.ndarray:
    node = next(node for node in plan.model.graph.node if node.name == name)
    weights = constant(plan.model, node.input[1])
    assert weights is not None
    return filters_of(node, weights.astype(np.float64))


def _moments(plan: Plan, visit: Visit, places: np.ndarray, wanted: np.ndarray) -> Moments:
    """Of a node with weights, which in hardware is a convolution, perhaps behind nodes that prepare its image."""
    *before, convolution = kind_of(visit.node).lowered(copy_of(plan.model), visit.node)
    image = visit.inputs[0]
    for node in before:
        image = torch.from_numpy(run_node(node, [image.double().numpy()])).float()
    _, rows, columns, _ = filters_of(visit.node, visit.inputs[1].numpy()).shape
    return window_moments(convolution, image, (rows, columns), places, wanted)


@torch.inference_mode()
def _signed(plan: Plan, image: Tensor, port: Grid) -> dict[str, bool]:
    """Whether values below 0 can come to a quantizer.

    Each node is shown numbers of all sizes, of one sign where only such can reach it; weights may give any.
    """
    random = np.random.default_rng(1)
    signed: dict[str, bool] = {}
    negative: dict[str, bool] = {only(plan.model, "input"): port.signed}
    for visit in walk(plan.model, image):
        node, result = visit.node, visit.inputs[0]
        if node.op_type in QUANT_OPS:
            signed[str(node.name)] = negative[node.output[0]] = negative[node.input[0]]
        else:
            shown = [_of_all_sizes(tensor, random, negative[name]) if name in negative else tensor
                     for name, tensor in zip(node.input, visit.inputs, strict=True)]
            result = visit.compute(shown)
            negative[node.output[0]] = kind_of(node).weighted or bool((result < 0).any())
        visit.keep(result)
    return signed


def _of_all_sizes(tensor: Tensor, random: np.random.Generator, negative: bool) -> Tensor:
    sizes = 2.0 ** random.uniform(-12, 12, tensor.shape)
    signs = random.choice((-1.0, 1.0), tensor.shape) if negative else 1.0
    return torch.from_numpy(sizes * signs).float()
