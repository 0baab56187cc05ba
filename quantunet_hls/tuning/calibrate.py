"""What calibration images say about a network: values in front of every quantizer, moments of every layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor

from quantunet_hls.ingest.execute import run_node
from quantunet_hls.ops.qonnx.filters import filters_of, weights_of
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, constant, copy_of
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.tuning.rounding import Fitted, FittedFilters, Moments
from quantunet_hls.tuning.walk import Visit, channels_first, walk
from quantunet_hls.tuning.windows import picked, sampled, window_moments, window_places
from quantunet_hls.types import FixedType

__all__ = ["Calibration", "Cast", "best_fraction", "calibrate", "constants_of", "fit_layers"]

#: What a quantizer makes of its values, where it isn't what its node says.
Cast = Callable[[Tensor], Tensor]

_Fit = TypeVar("_Fit", Fitted, FittedFilters)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was seen.

    Attributes:
        values: for each quantizer of activations some of its inputs.
        filters: weights of each layer (filters, rows, columns, channels), as they are computed with.
        moments: of each layer, on its own inputs.
        places: which sums of each layer were kept, by their index over images, rows and columns.
        sums: these, (places, filters).
    """

    values: Mapping[str, np.ndarray]
    filters: Mapping[str, np.ndarray]
    moments: Mapping[str, Moments]
    places: Mapping[str, np.ndarray]
    sums: Mapping[str, np.ndarray]


@torch.inference_mode()
def calibrate(model: ModelWrapper, images: Tensor, casts: Mapping[str, Cast] | None = None, *,
              in_steps: bool = False) -> Calibration:
    """Run a network.

    Args:
        model: the network.
        images: in the order of axes that it takes.
        casts: of quantizers that are other ones than their nodes say.
        in_steps: whether values in front of a quantizer are counted in steps of its scale.

    Raises:
        DataError: no images.
    """
    random = np.random.default_rng(0)
    values: dict[str, np.ndarray] = {}
    filters: dict[str, np.ndarray] = {}
    seen: dict[str, Moments] = {}
    places: dict[str, np.ndarray] = {}
    sums: dict[str, np.ndarray] = {}
    for visit in walk(model, images):
        node, name = visit.node, str(visit.node.name)
        if node.op_type in QUANT_OPS and constant(model, node.input[0]) is None:
            given = visit.inputs[0] / visit.inputs[1] if in_steps else visit.inputs[0]
            values[name] = sampled(given, random)
        result = _step(visit, casts or {})
        if kind_of(node).weighted:
            filters[name] = filters_of(node, visit.inputs[1].double().numpy())
            places[name] = window_places(channels_first(node, result).shape, random)
            sums[name] = picked(channels_first(node, result), places[name])
            seen[name] = _moments(model, visit, places[name], sums[name])
    return Calibration(values, filters, seen, places, sums)


@torch.inference_mode()
def fit_layers(reference: Calibration, model: ModelWrapper, images: Tensor, widths: Mapping[str, int],
               fit: Callable[[np.ndarray, Moments, int], _Fit],
               casts: Mapping[str, Cast] | None = None) -> dict[str, _Fit]:
    """Weights of these widths, layer after layer, each on what those before it make of the images.

    Args:
        reference: of the network whose sums they are to have, on the same images.
        model: the same network with the quantizers of activations that it is to have.
        images: as for :func:`calibrate`.
        widths: of the weights of all layers that get new ones.
        fit: weights on their grid, from those that a layer has, its moments and a width.
        casts: as for :func:`calibrate`.
    """
    fitted: dict[str, _Fit] = {}
    for visit in walk(model, images):
        name = str(visit.node.name)
        if name in widths:
            seen = _moments(model, visit, reference.places[name], reference.sums[name])
            fitted[name] = fit(reference.filters[name], seen, widths[name])
            visit.inputs[1:] = constants_of(visit.node, fitted[name])
        _step(visit, casts or {})
    return fitted


def constants_of(node: NodeProto, layer: Fitted | FittedFilters) -> list[Tensor]:
    """Weights and biases as a node reads them."""
    return [torch.from_numpy(np.ascontiguousarray(values)).float()
            for values in (weights_of(node, layer.weights), layer.biases)]


def _step(visit: Visit, casts: Mapping[str, Cast]) -> Tensor:
    name = str(visit.node.name)
    if name not in casts:
        return visit.compute(visit.inputs)
    result = casts[name](visit.inputs[0])
    visit.keep(result)
    return result


def _moments(model: ModelWrapper, visit: Visit, places: np.ndarray, wanted: np.ndarray) -> Moments:
    """Of a node with weights, which in hardware is a convolution, perhaps behind nodes that prepare its image."""
    *before, convolution = kind_of(visit.node).lowered(copy_of(model), visit.node)
    image = visit.inputs[0]
    for node in before:
        image = torch.from_numpy(run_node(node, [image.double().numpy()])).float()
    _, rows, columns, _ = filters_of(visit.node, visit.inputs[1].numpy()).shape
    return window_moments(convolution, channels_first(convolution, image), (rows, columns), places, wanted)


def best_fraction(values: np.ndarray, width: int, signed: bool) -> int:
    """The step, as a power of two, that keeps these values best in a mean-square sense in a type of that width."""
    peak = float(np.abs(values).max(initial=0)) or 2.0**-16
    levels = 2 ** (width - signed)
    coarsest = int(np.floor(np.log2(levels / peak)))
    tried = range(coarsest - 1, coarsest + 8)

    def error(fraction: int) -> float:
        kind = FixedType(width, fraction, signed)
        codes = np.clip(np.rint(np.ldexp(values, fraction)), kind.low, kind.high)
        return float(np.mean((np.ldexp(codes, -fraction) - values) ** 2))

    return min(tried, key=error)
