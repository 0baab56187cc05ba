"""What calibration images say about a network: values in front of every quantizer, moments of every layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ops.qonnx.graph import QUANT_OPS
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.tuning.rounding import Fitted, Moments, fit
from quantunet_hls.tuning.walk import Visit, channels_first, walk
from quantunet_hls.tuning.windows import picked, sampled, window_moments, window_places
from quantunet_hls.types import FixedType

__all__ = ["Calibration", "best_fraction", "calibrate", "fit_layers"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was seen.

    Attributes:
        values: for each quantizer some of its inputs.
        moments: of each convolution, on its own inputs.
        places: which sums of each convolution were kept, by their index over images, rows and columns.
        sums: these, (places, filters).
    """

    values: Mapping[str, np.ndarray]
    moments: Mapping[str, Moments]
    places: Mapping[str, np.ndarray]
    sums: Mapping[str, np.ndarray]


@torch.inference_mode()
def calibrate(graph: HardwareGraph, images: np.ndarray) -> Calibration:
    """Run a network on images (images, height, width, channels), as its input port takes them.

    Raises:
        DataError: no images.
    """
    random = np.random.default_rng(0)
    values: dict[str, np.ndarray] = {}
    seen: dict[str, Moments] = {}
    places: dict[str, np.ndarray] = {}
    sums: dict[str, np.ndarray] = {}
    for visit in walk(graph.model, torch.from_numpy(images)):
        node, result = visit.node, visit.compute(visit.inputs)
        name = str(node.name)
        if node.op_type in QUANT_OPS:
            values[name] = sampled(visit.inputs[0], random)
        elif kind_of(node).weighted:
            places[name] = window_places(channels_first(node, result).shape, random)
            sums[name] = picked(channels_first(node, result), places[name])
            seen[name] = _moments(visit, places[name], sums[name])
    return Calibration(values, seen, places, sums)


@torch.inference_mode()
def fit_layers(reference: Calibration, graph: HardwareGraph, images: np.ndarray,
               widths: Mapping[str, int]) -> dict[str, Fitted]:
    """Weights of these widths, layer after layer, each on what those before it make of the images.

    Args:
        reference: of the network whose sums they are to have, on the same images.
        graph: the same network with the quantizers of activations that it is to have.
        images: as for :func:`calibrate`.
        widths: of the weights of all convolutions that get new ones.
    """
    fitted: dict[str, Fitted] = {}
    for visit in walk(graph.model, torch.from_numpy(images)):
        name, inputs = str(visit.node.name), visit.inputs
        if name in widths:
            seen = _moments(visit, reference.places[name], reference.sums[name])
            fitted[name] = fit(inputs[1].double().numpy(), seen, widths[name])
            inputs[1:] = [torch.from_numpy(fitted[name].weights).float(), torch.from_numpy(fitted[name].biases).float()]
        visit.compute(inputs)
    return fitted


def _moments(visit: Visit, places: np.ndarray, wanted: np.ndarray) -> Moments:
    image, kernel = (channels_first(visit.node, tensor) for tensor in visit.inputs[:2])
    return window_moments(visit.node, image, (kernel.shape[2], kernel.shape[3]), places, wanted)


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
