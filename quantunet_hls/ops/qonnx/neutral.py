"""Nodes that change nothing, whatever they are for: exporters write them where a module's sizes happen to fit.

A pad of zeros, a slice that keeps everything, a reshape into the same shape, a multiplication by 1. Each is told by
what its operator means, its constants and the shapes in front of it and behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from onnx import NodeProto, TensorProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute, constant

__all__ = ["unchanged_input"]

#: Types between which a cast changes no number that a network of exact arithmetic computes.
_REAL = (TensorProto.FLOAT, TensorProto.DOUBLE)


def unchanged_input(model: ModelWrapper, node: NodeProto) -> str | None:
    """The input that a node's first result equals in shape and values; None where it may be another.

    Shapes must have been inferred.
    """
    neutral = _NEUTRAL.get(node.op_type)
    if neutral is None or node.domain not in ("", "ai.onnx", CHANNELS_LAST) or not node.input:
        return None
    source = neutral(model, node)
    if source is None or model.get_tensor_shape(source) != model.get_tensor_shape(node.output[0]):
        return None
    return source


def _always(_model: ModelWrapper, node: NodeProto) -> str | None:
    """Where the shape is the same, nothing else changes either."""
    return str(node.input[0])


def _of_one(_model: ModelWrapper, node: NodeProto) -> str | None:
    return str(node.input[0]) if len(node.input) == 1 else None


def _not_training(model: ModelWrapper, node: NodeProto) -> str | None:
    training = _input(model, node, 2, np.zeros(1))
    return str(node.input[0]) if training is not None and not np.any(training) else None


def _between_reals(model: ModelWrapper, node: NodeProto) -> str | None:
    given = model.get_tensor_valueinfo(node.input[0])
    known = given is not None and given.type.tensor_type.elem_type in _REAL
    return str(node.input[0]) if known and attribute(node, "to") in _REAL else None


def _without_pads(model: ModelWrapper, node: NodeProto) -> str | None:
    pads = _input(model, node, 1, None)
    return str(node.input[0]) if pads is not None and not np.any(pads) else None


def _forwards(model: ModelWrapper, node: NodeProto) -> str | None:
    """Of as many elements as there were, in their order, none can be missing."""
    steps = _input(model, node, 4, np.ones(1))
    return str(node.input[0]) if steps is not None and np.all(steps > 0) else None


def _by_one(model: ModelWrapper, node: NodeProto) -> str | None:
    """Pixels whose places are whole numbers are taken as they are, by every kind of interpolation."""
    if attribute(node, "coordinate_transformation_mode") == "tf_crop_and_resize":
        return None
    scales = _input(model, node, 2, None)
    return str(node.input[0]) if scales is not None and np.all(scales == 1) else None


def _of_one_pixel(_model: ModelWrapper, node: NodeProto) -> str | None:
    return str(node.input[0]) if all(size == 1 for size in attribute(node, "kernel_shape", [0])) else None


def _unbounded(model: ModelWrapper, node: NodeProto) -> str | None:
    reach = np.finfo(np.float32).max
    low, high = _input(model, node, 1, np.full(1, -np.inf)), _input(model, node, 2, np.full(1, np.inf))
    if low is None or high is None or np.any(low > -reach) or np.any(high < reach):
        return None
    return str(node.input[0])


def _with(neutral: float, *, either: bool = False) -> Callable[[ModelWrapper, NodeProto], str | None]:
    """The rule that one operand is a constant of this number alone: the second one, or either."""

    def rule(model: ModelWrapper, node: NodeProto) -> str | None:
        if len(node.input) != 2:
            return None
        for source, other in ((0, 1), (1, 0)) if either else ((0, 1),):
            value = constant(model, node.input[other])
            if value is not None and np.all(value == neutral):
                return str(node.input[source])
        return None
    return rule


def _input(model: ModelWrapper, node: NodeProto, index: int, absent: np.ndarray | None) -> np.ndarray | None:
    """A constant input, None where it is computed, ``absent`` where there is none."""
    return constant(model, node.input[index]) if index < len(node.input) and node.input[index] else absent


_NEUTRAL: Mapping[str, Callable[[ModelWrapper, NodeProto], str | None]] = {
    **dict.fromkeys(("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "DepthToSpace",
                     "SpaceToDepth", "GlobalAveragePool", "GlobalMaxPool"), _always),
    **dict.fromkeys(("Concat", "Sum", "Max", "Min", "Mean"), _of_one),
    **dict.fromkeys(("MaxPool", "AveragePool"), _of_one_pixel),
    "Dropout": _not_training,
    "Cast": _between_reals,
    "Pad": _without_pads,
    "Slice": _forwards,
    "Resize": _by_one,
    "Clip": _unbounded,
    "Add": _with(0, either=True),
    "Sub": _with(0),
    "Mul": _with(1, either=True),
    "Div": _with(1),
    "Pow": _with(1),
}
