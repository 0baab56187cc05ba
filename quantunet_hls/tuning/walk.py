"""A graph computed node by node, in single precision, by whoever wants to look at values or to change them on the way.

Statistics come from here, from which nothing is built without being measured on the emulator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor
from torch.nn import functional

from quantunet_hls.core.errors import DataError
from quantunet_hls.ingest.execute import run_node
from quantunet_hls.ops.qonnx.execution import FIRST_AXES, LAST_AXES
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, QUANT_OPS, attribute, constant, only

__all__ = ["Visit", "channels_first", "quantized", "walk"]


@dataclass(frozen=True, eq=False)
class Visit:
    """A node whose turn it is.

    Attributes:
        node: of the graph.
        inputs: what it reads, constants among them, each in the graph's own order of axes.
        compute: its result from such inputs, which those behind it read from then on.
        keep: has those behind it read this in the place of its result.
    """

    node: NodeProto
    inputs: list[Tensor]
    compute: Callable[[list[Tensor]], Tensor]
    keep: Callable[[Tensor], None]


def walk(model: ModelWrapper, images: Tensor) -> Iterator[Visit]:
    """Each node of a legal graph, in order; it must be computed, or its result kept, before the next one comes.

    Args:
        model: the graph.
        images: float32, in the order of axes that the graph takes.

    Raises:
        DataError: no images.
    """
    if not len(images):
        raise DataError("There are no images to calibrate with; name a folder that has some.")
    held = {only(model, "input"): images.float()}
    last = {name: index for index, node in enumerate(model.graph.node) for name in node.input}
    for index, node in enumerate(model.graph.node):
        inputs = [held[name] if name in held else _constant(model, name) for name in node.input]

        def keep(result: Tensor, node: NodeProto = node) -> None:
            held[node.output[0]] = result

        def compute(inputs: list[Tensor], node: NodeProto = node) -> Tensor:
            held[node.output[0]] = result = _computed(node, inputs)
            return result

        yield Visit(node, inputs, compute, keep)
        for name in set(node.input) & set(held):
            if last[name] == index:
                del held[name]


def channels_first(node: NodeProto, tensor: Tensor) -> Tensor:
    """An image or a kernel that a node with weights reads or writes, channels in front of rows and columns."""
    return tensor.permute(FIRST_AXES) if node.domain == CHANNELS_LAST and tensor.ndim == 4 else tensor


def quantized(tensor: Tensor, step: Tensor, zero: Tensor, lowest: int, highest: int, *, down: bool = False) -> Tensor:
    """Values on a grid: codes from ``lowest`` to ``highest``, of which ``zero`` stands for 0."""
    codes = tensor / step + zero
    codes = codes.floor_() if down else codes.round_()
    return codes.clamp_(lowest, highest).sub_(zero).mul_(step)


def _constant(model: ModelWrapper, name: str) -> Tensor:
    values = constant(model, name)
    assert values is not None
    return torch.from_numpy(values.astype(np.float32) if values.dtype.kind == "f" else values.copy())


def _computed(node: NodeProto, inputs: list[Tensor]) -> Tensor:
    if node.op_type in QUANT_OPS:
        return _quant(node, inputs)
    if node.op_type == "Conv":
        return _conv(node, inputs)
    given = [tensor.double().numpy() if tensor.is_floating_point() else tensor.numpy() for tensor in inputs]
    return torch.from_numpy(np.ascontiguousarray(run_node(node, given))).float()


def _quant(node: NodeProto, inputs: list[Tensor]) -> Tensor:
    tensor, step, zero, bits = inputs
    width, signed, narrow = int(bits.item()), attribute(node, "signed", 1), attribute(node, "narrow", 0)
    highest = 2 ** (width - signed) - 1
    lowest = narrow - 2 ** (width - 1) if signed else 0
    return quantized(tensor, step, zero, lowest, highest, down=attribute(node, "rounding_mode", "ROUND") == "FLOOR")


def _conv(node: NodeProto, inputs: list[Tensor]) -> Tensor:
    """Its kernels in single precision take a small part of the time of those that are exact."""
    image, kernel = (channels_first(node, tensor) for tensor in inputs[:2])
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    bias = inputs[2] if len(inputs) > 2 else None
    result = functional.conv2d(functional.pad(image, (left, right, top, bottom)), kernel, bias,
                               stride=attribute(node, "strides", [1, 1]), dilation=attribute(node, "dilations", [1, 1]),
                               groups=attribute(node, "group", 1))
    return result.permute(LAST_AXES) if node.domain == CHANNELS_LAST else result
