"""Batch normalization, and whatever else is a factor and an addend a channel, as part of the convolution in front.

Where none is in front (behind a concatenation or an addition, or where the convolution's result is read by others as
well), it stays, and the quantizer behind it takes it in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.filters import filter_axis
from quantunet_hls.ops.qonnx.graph import attribute, constant, consumers, copy_of, linked, only, replace_nodes, shape_of
from quantunet_hls.ops.qonnx.node_kinds import STANDARD, node_kinds

__all__ = ["Affine", "affine_node", "check_finite", "fold_affine"]


@dataclass(frozen=True, eq=False)
class Affine:
    """What a node does to an image: each channel times its factor, plus its addend, both float64 (channels)."""

    factors: np.ndarray
    addends: np.ndarray


def check_finite(model: ModelWrapper) -> None:
    """Refuse constants that are no numbers.

    Raises:
        IllegalGraphError: names the node that reads them.
    """
    for node in model.graph.node:
        for name in node.input:
            values = constant(model, name)
            if values is not None and values.dtype.kind == "f" and not np.all(np.isfinite(values)):
                raise IllegalGraphError(node.name, f"its constants {name!r} hold values that are no finite numbers",
                                        "train the network again from a checkpoint before they appeared")


def fold_affine(model: ModelWrapper) -> ModelWrapper:
    """The graph with every such node in the convolution in front of it, where it can be."""
    model = copy_of(model)
    links = linked(copy_of(model))
    nodes: list[NodeProto] = []
    # The convolution that writes a tensor which nothing but the next node reads.
    in_front: dict[str, NodeProto] = {}
    for node in model.graph.node:
        affine = _affine_of(model, node)
        source = _image_of(model, node) if affine is not None else ""
        if affine is None or source not in in_front:
            nodes.append(node)
            written = node
        else:
            written = in_front[source]
            _fold(model, written, affine)
            written.output[0] = node.output[0]
        kind = node_kinds().get(written.op_type)
        alone = len(consumers(links, node.output[0])) == 1 and node.output[0] != only(model, "output")
        if kind is not None and kind.weighted and alone and constant(model, written.input[1]) is not None:
            in_front[written.output[0]] = written
    replace_nodes(model, nodes)
    return model


def affine_node(model: ModelWrapper, affine: Affine, source: str, result: str, name: str) -> NodeProto:
    """A batch normalization that does the same, not yet in the graph."""
    one = np.ones(len(affine.factors))
    tensors = {"factors": affine.factors, "addends": affine.addends, "no_mean": 0 * one, "no_deviation": one}
    for role, values in tensors.items():
        model.set_initializer(f"{result}_{role}", values.astype(np.float32))
    return helper.make_node("BatchNormalization", [source, *(f"{result}_{role}" for role in tensors)], [result],
                            name=name, epsilon=0.0)


def _fold(model: ModelWrapper, node: NodeProto, affine: Affine) -> None:
    """Weights and biases of its own for the node, times the factors and with the addends."""
    weights = constant(model, node.input[1])
    assert weights is not None
    shape = [1] * weights.ndim
    shape[filter_axis(node)] = -1
    biases = constant(model, node.input[2]) if len(node.input) > 2 else None
    before = np.zeros(len(affine.addends)) if biases is None else biases.astype(np.float64)
    names = [f"{node.name}_{node.output[0]}_{role}" for role in ("weights", "biases")]
    model.set_initializer(names[0], (weights.astype(np.float64) * affine.factors.reshape(shape)).astype(np.float32))
    model.set_initializer(names[1], (before * affine.factors + affine.addends).astype(np.float32))
    del node.input[1:]
    node.input.extend(names)


def _image_of(model: ModelWrapper, node: NodeProto) -> str:
    return next(str(name) for name in node.input if constant(model, name) is None)


def _affine_of(model: ModelWrapper, node: NodeProto) -> Affine | None:
    """What a node does, None where it is something else."""
    reads = _READERS.get(node.op_type)
    shape = model.get_tensor_shape(node.output[0])
    if reads is None or node.domain not in STANDARD or shape is None or len(shape) != 4:
        return None
    images = [name for name in node.input if constant(model, name) is None]
    if len(images) != 1 or list(shape_of(model, images[0])) != list(shape):
        return None
    return reads(model, node, shape[1])


def _normalization(model: ModelWrapper, node: NodeProto, _channels: int) -> Affine | None:
    values = [constant(model, name) for name in node.input[1:5]]
    if attribute(node, "training_mode", 0) or len(node.output) > 1 or any(value is None for value in values):
        return None
    gamma, beta, mean, variance = (np.asarray(value, np.float64) for value in values)
    if np.any(variance < 0):
        raise IllegalGraphError(node.name, "its variance is negative", "train the network again")
    factors = gamma / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    return Affine(factors, beta - mean * factors)


def _arithmetic(model: ModelWrapper, node: NodeProto, channels: int) -> Affine | None:
    """An image and a constant that has one number, or one a channel."""
    first = constant(model, node.input[0]) is not None
    value = constant(model, node.input[0 if first else 1])
    assert value is not None
    shape = (1,) * (4 - value.ndim) + value.shape
    if value.ndim > 4 or shape not in ((1, 1, 1, 1), (1, channels, 1, 1)) or (node.op_type == "Div" and first):
        return None
    numbers = np.broadcast_to(value.astype(np.float64).reshape(-1), channels)
    if node.op_type == "Div" and not np.all(numbers):
        raise IllegalGraphError(node.name, "it divides by 0", "remove it")
    one, zero = np.ones(channels), np.zeros(channels)
    return {"Mul": Affine(numbers, zero), "Div": Affine(one / np.where(numbers == 0, 1, numbers), zero),
            "Add": Affine(one, numbers), "Sub": Affine(-one, numbers) if first else Affine(one, -numbers)}[node.op_type]


_READERS: dict[str, Callable[[ModelWrapper, NodeProto, int], Affine | None]] = {
    "BatchNormalization": _normalization, "Mul": _arithmetic, "Div": _arithmetic, "Add": _arithmetic,
    "Sub": _arithmetic}
