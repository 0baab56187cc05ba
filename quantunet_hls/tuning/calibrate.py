"""What calibration images say about a network: values in front of every quantizer, moments of every layer.

All in single precision: statistics, from which nothing is built without being measured on the emulator.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor
from torch.nn import functional

from quantunet_hls.core.errors import DataError
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.execute import run_node
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, attribute, constant, only, shape_of
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.quantizers import quant_type
from quantunet_hls.tuning.rounding import Fitted, Moments, fit, moments
from quantunet_hls.types import FixedType

__all__ = ["Calibration", "best_fraction", "calibrate", "fit_layers"]

#: Values kept of a tensor, and windows of a convolution.
_SAMPLES, _WINDOWS = 40_000, 6_000


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
    for node, inputs, compute in _walk(graph, images):
        name, result = str(node.name), compute(inputs)
        if node.op_type in QUANT_OPS:
            flat = inputs[0].permute(0, 2, 3, 1).reshape(-1).double().numpy()
            values[name] = flat if flat.size <= _SAMPLES else random.choice(flat, _SAMPLES, replace=False)
        elif kind_of(node).weighted:
            count = result.shape[0] * result.shape[2] * result.shape[3]
            places[name] = np.arange(count) if count <= _WINDOWS else random.choice(count, _WINDOWS, replace=False)
            sums[name] = _picked(result, places[name])
            seen[name] = _moments(node, inputs, result.shape, places[name], sums[name])
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
    for node, inputs, compute in _walk(graph, images):
        name = str(node.name)
        if name in widths:
            shape = shape_of(graph.model, node.output[0])
            seen = _moments(node, inputs, torch.Size((len(images), shape[3], shape[1], shape[2])),
                            reference.places[name], reference.sums[name])
            fitted[name] = fit(inputs[1].permute(0, 2, 3, 1).double().numpy(), seen, widths[name])
            weights = torch.from_numpy(fitted[name].weights).permute(0, 3, 1, 2)
            inputs[1:] = [weights.float(), torch.from_numpy(fitted[name].biases).float()]
        compute(inputs)
    return fitted


_Compute = Callable[[list[Tensor]], Tensor]


def _walk(graph: HardwareGraph, images: np.ndarray) -> Iterator[tuple[NodeProto, list[Tensor], _Compute]]:
    """Each node with its inputs (images, channels, rows, columns); it must be computed before the next one comes."""
    if not len(images):
        raise DataError("There are no images to calibrate with; name a folder that has some.")
    model = graph.model
    held = {only(model, "input"): torch.from_numpy(images).permute(0, 3, 1, 2).float()}
    last = {name: index for index, node in enumerate(model.graph.node) for name in node.input}
    for index, node in enumerate(model.graph.node):
        inputs = [held[name] if name in held else _constant(model, node, name) for name in node.input]

        def compute(inputs: list[Tensor], node: NodeProto = node) -> Tensor:
            if node.op_type in QUANT_OPS:
                result = _quant(model, node, inputs)
            elif kind_of(node).weighted:
                result = _conv(node, inputs)
            else:
                result = _by_kind(node, inputs, held)
            held[node.output[0]] = result
            return result

        yield node, inputs, compute
        for name in set(node.input) & set(held):
            if last[name] == index:
                del held[name]


def _constant(model: ModelWrapper, node: NodeProto, name: str) -> Tensor:
    values = constant(model, name)
    assert values is not None
    tensor = torch.from_numpy(np.array(values, dtype=np.float32))
    return tensor.permute(0, 3, 1, 2) if kind_of(node).weighted and tensor.ndim == 4 else tensor


def _quant(model: ModelWrapper, node: NodeProto, inputs: list[Tensor]) -> Tensor:
    kind = quant_type(model, node)
    codes = inputs[0] * 2.0**kind.fraction
    codes = codes.floor_() if kind.rounding == "TRN" else codes.round_()
    return codes.clamp_(kind.lowest, kind.high).mul_(kind.step)


def _conv(node: NodeProto, inputs: list[Tensor]) -> Tensor:
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    bias = inputs[2] if len(inputs) > 2 else None
    return functional.conv2d(functional.pad(inputs[0], (left, right, top, bottom)), inputs[1], bias,
                             stride=attribute(node, "strides", [1, 1]), groups=attribute(node, "group", 1))


def _by_kind(node: NodeProto, inputs: list[Tensor], images: Collection[str]) -> Tensor:
    """What its kind computes, of images channels last."""
    given = [tensor.permute(0, 2, 3, 1).numpy() if name in images else tensor.numpy()
             for name, tensor in zip(node.input, inputs, strict=True)]
    result = torch.from_numpy(np.ascontiguousarray(run_node(node, given))).float()
    return result.permute(0, 3, 1, 2).contiguous()


def _picked(sums: Tensor, places: np.ndarray) -> np.ndarray:
    count, _, height, width = sums.shape
    image, y, x = np.unravel_index(places, (count, height, width))
    return sums[torch.from_numpy(image), :, torch.from_numpy(y), torch.from_numpy(x)].double().numpy()


def _moments(node: NodeProto, inputs: list[Tensor], shape: torch.Size, places: np.ndarray,
             wanted: np.ndarray) -> Moments:
    _, _, rows, columns = inputs[1].shape
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    strides = attribute(node, "strides", [1, 1])
    padded = functional.pad(inputs[0], (left, right, top, bottom))
    image, y, x = (torch.from_numpy(part) for part in np.unravel_index(places, (shape[0], shape[2], shape[3])))
    taps = [padded[image, :, y * strides[0] + row, x * strides[1] + column] for row in range(rows)
            for column in range(columns)]
    patches = torch.stack(taps, dim=1).numpy()  # (samples, taps, channels)
    if attribute(node, "group", 1) == 1:
        return moments(patches.reshape(len(places), 1, -1), wanted[:, None, :])
    return moments(patches.transpose(0, 2, 1), wanted[:, :, None])


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
