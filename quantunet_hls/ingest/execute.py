"""Running a legal QONNX graph and keeping every tensor.

qonnx runs graphs in single precision, which holds sums of products exactly only
up to 2**24 steps: two quantizers of 12 bits are enough to leave that. So what
each operator of a legal graph means is said again here, in double precision,
where the widest types that :mod:`quantunet_hls.types` admits are exact.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.general.intquant import int_quant
from torch.nn import functional

from quantunet_hls.ingest.limits import check_run
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute, only
from quantunet_hls.ops.stages import SIGMOID_REACH

__all__ = ["run_graph", "run_node"]

_Operator = Callable[[NodeProto, list[np.ndarray]], np.ndarray]
_FIRST, _LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def run_graph(model: ModelWrapper, images: np.ndarray) -> dict[str, np.ndarray]:
    """Every tensor that the graph computes, for a batch of images in the graph's own layout.

    Images are rounded to single precision, as QONNX takes them; everything behind
    them is computed in double precision.

    Raises:
        ConfigurationError: the tensors of so many images are too large together.

    Returns:
        For the input and every node output that depends on it an array whose first axis counts the images.
    """
    check_run(model, len(images))
    image = only(model, "input")
    constants = {entry.name: np.asarray(model.get_initializer(entry.name)) for entry in model.graph.initializer}
    tensors = {image: np.asarray(images, dtype=np.float32).astype(np.float64)}
    for node in model.graph.node:
        inputs = [tensors[name] if name in tensors else constants[name] for name in node.input]
        result = run_node(node, inputs)
        place = tensors if any(name in tensors for name in node.input) else constants
        place[node.output[0]] = result
    return tensors


def run_node(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    """What one node of a legal graph computes from its inputs, constants among them, in double precision."""
    return _OPERATORS[node.op_type](node, inputs)


def _quant(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    tensor, scale, zero, bits = (np.asarray(value, dtype=np.float64) for value in inputs)
    signed, narrow = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 0))
    rounded = int_quant(tensor, scale, zero, bits, signed, narrow, attribute(node, "rounding_mode", "ROUND"))
    return np.asarray(rounded, dtype=np.float64)


def _in_channels_first(node: NodeProto, image: np.ndarray,
                       compute: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    last = node.domain == CHANNELS_LAST
    given = image.transpose(_FIRST) if last else image
    result = compute(torch.from_numpy(np.ascontiguousarray(given))).numpy()
    return result.transpose(_LAST) if last else result


def _bias(inputs: list[np.ndarray]) -> torch.Tensor | None:
    return torch.from_numpy(np.asarray(inputs[2], dtype=np.float64)) if len(inputs) > 2 else None


def _conv(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    weights = np.asarray(inputs[1], dtype=np.float64)
    kernel = torch.from_numpy(np.ascontiguousarray(
        weights.transpose(_FIRST) if node.domain == CHANNELS_LAST else weights))
    bias = _bias(inputs)
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    strides, group = attribute(node, "strides", [1, 1]), attribute(node, "group", 1)
    return _in_channels_first(node, inputs[0], lambda image: functional.conv2d(
        functional.pad(image, (left, right, top, bottom)), kernel, bias, stride=strides, groups=group))


def _pool(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    window, strides = attribute(node, "kernel_shape"), attribute(node, "strides")
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    pool, fill = ((functional.max_pool2d, -np.inf) if node.op_type == "MaxPool"
                  else (functional.avg_pool2d, 0.0))
    return _in_channels_first(node, inputs[0], lambda image: pool(
        functional.pad(image, (left, right, top, bottom), value=fill), window, strides))


def _conv_transpose(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    kernel = torch.from_numpy(np.asarray(inputs[1], dtype=np.float64))
    bias = _bias(inputs)
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    rows, columns = attribute(node, "output_padding", [0, 0])
    whole = functional.conv_transpose2d(torch.from_numpy(inputs[0]), kernel, stride=attribute(node, "strides"))
    part = functional.pad(whole, (-left, columns - right, -top, rows - bottom))
    return (part if bias is None else part + bias[:, None, None]).numpy()


def _zero_insertion(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    def insert(image: torch.Tensor) -> torch.Tensor:
        rows, columns = attribute(node, "factor")
        spread = torch.zeros(*image.shape[:2], *attribute(node, "size"), dtype=image.dtype)
        spread[:, :, ::rows, ::columns][:, :, : image.shape[2], : image.shape[3]] = image
        return spread
    return _in_channels_first(node, inputs[0], insert)


def _sigmoid(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    if len(inputs) == 1:
        return torch.sigmoid(torch.from_numpy(inputs[0])).numpy()
    size = len(inputs[1])
    index = np.trunc(inputs[0] * (size // (2 * SIGMOID_REACH))) + size // 2
    return np.asarray(inputs[1], dtype=np.float64)[np.clip(index, 0, size - 1).astype(np.int64)]


def _arg_max(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return inputs[0].argmax(axis=attribute(node, "axis"), keepdims=True).astype(np.float64)


def _resize(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    result = inputs[0]
    for axis, scale in enumerate(inputs[2]):
        result = result.repeat(int(scale), axis)
    return result


def _leaky_relu(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.where(inputs[0] < 0, inputs[0] * attribute(node, "alpha", 0.01), inputs[0])


def _transpose(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(inputs[0].transpose(attribute(node, "perm")))


_OPERATORS: dict[str, _Operator] = {
    "Quant": _quant,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "ZeroInsertion": _zero_insertion,
    "Relu": lambda _node, inputs: np.maximum(inputs[0], 0),
    "LeakyRelu": _leaky_relu,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "Resize": _resize,
    "Concat": lambda node, inputs: np.concatenate(inputs, attribute(node, "axis")),
    "Transpose": _transpose,
    "Sigmoid": _sigmoid,
    "ArgMax": _arg_max,
    "Greater": lambda _node, inputs: (inputs[0] > inputs[1]).astype(np.float64),
}
