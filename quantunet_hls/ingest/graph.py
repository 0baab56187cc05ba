"""Small questions that the passes ask of a QONNX graph."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

__all__ = ["CHANNELS_LAST", "QUANT_OPS", "attribute", "behind_sigmoid", "constant", "consumers", "copy_of",
           "is_constant", "is_whole_mean", "only", "set_attribute", "shape_of"]

#: Domain in which qonnx and hls4ml look for nodes that work on (batch, height, width, channels).
CHANNELS_LAST = "qonnx.custom_op.channels_last"

#: Op types that quantize a tensor to integers times a scale.
QUANT_OPS = ("Quant", "IntQuant")


def copy_of(model: ModelWrapper) -> ModelWrapper:
    """A deep copy, so that a pass never changes what it was given."""
    return ModelWrapper(copy.deepcopy(model.model))


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    """Value of a node's attribute as a plain Python value; texts are decoded."""
    for entry in node.attribute:
        if entry.name == name:
            value = helper.get_attribute_value(entry)
            if isinstance(value, bytes):
                return value.decode(errors="replace")
            return list(value) if not isinstance(value, (int, float, str)) else value
    return default


def set_attribute(node: NodeProto, name: str, value: Any) -> None:
    """Set or replace a node's attribute."""
    for index, entry in enumerate(node.attribute):
        if entry.name == name:
            del node.attribute[index]
            break
    node.attribute.append(helper.make_attribute(name, value))


def is_constant(model: ModelWrapper, tensor: str) -> bool:
    """Whether the tensor is an initializer."""
    return model.get_initializer(tensor) is not None


def constant(model: ModelWrapper, tensor: str) -> np.ndarray | None:
    """An initializer's value as an array, None for a tensor that is computed."""
    value = model.get_initializer(tensor)
    return None if value is None else np.asarray(value)


def consumers(model: ModelWrapper, tensor: str) -> list[NodeProto]:
    """Nodes that read a tensor, in graph order; one that reads it twice stands twice."""
    return [node for node in model.graph.node for name in node.input if name == tensor]


def shape_of(model: ModelWrapper, tensor: str) -> tuple[int, ...]:
    """Static shape of a tensor."""
    shape = model.get_tensor_shape(tensor)
    assert shape is not None, f"shape of {tensor} was not inferred"
    return tuple(shape)


def behind_sigmoid(model: ModelWrapper) -> set[str]:
    """Tensors that come of a sigmoid, whose values are real numbers and no fixed-point ones."""
    reached: set[str] = set()
    for node in model.graph.node:
        if node.op_type == "Sigmoid" or reached.intersection(node.input):
            reached.update(node.output)
    return reached


def is_whole_mean(node: NodeProto) -> bool:
    """Whether the mean of so many fixed-point numbers is one: their number is a power of two."""
    rows, columns = attribute(node, "kernel_shape")
    return (rows * columns) & (rows * columns - 1) == 0


def only(model: ModelWrapper, side: str) -> str:
    """Name of the graph's one ``"input"`` or ``"output"`` tensor."""
    tensors = model.graph.input if side == "input" else model.graph.output
    (tensor,) = tensors
    return str(tensor.name)
