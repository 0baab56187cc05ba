"""ONNX's ``Concat`` of channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.graph import attribute, constant, set_attribute, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes, Relabelling
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed

__all__ = ["FACET"]


def _joins_channels(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    shapes = [shape_of(model, name) for name in node.input]
    if any(constant(model, name) is not None for name in node.input):
        return IllegalGraphError(node.name, "a constant can't be concatenated to a stream", "remove it")
    if {len(shape) for shape in shapes} != {4}:
        return IllegalGraphError(node.name, "only images (four axes) can be concatenated",
                                 "keep batch, channels, height and width from layer to layer")
    axis = attribute(node, "axis") % 4
    if len({shape[:axis] + shape[axis + 1:] for shape in shapes}) != 1 or len(shapes) < 2:
        return IllegalGraphError(node.name, "its inputs differ in more than the channels", "concatenate channels")
    return None


def _lowered(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """A chain of nodes with two inputs each, which is what hls4ml's kernel takes."""
    if len(node.input) <= 2:
        return [node]
    axis = attribute(node, "axis") % len(shape_of(model, node.input[0]))
    nodes, inputs, left = [], list(node.input), node.input[0]
    for step, right in enumerate(inputs[1:], 1):
        last = step == len(inputs) - 1
        result = node.output[0] if last else f"{node.output[0]}_part{step}"
        name = node.name if last else f"{node.name}_part{step}"
        nodes.append(helper.make_node("Concat", [left, right], [result], name=name, axis=axis))
        if not last:
            shape = list(shape_of(model, left))
            shape[axis] += shape_of(model, right)[axis]
            model.set_tensor_shape(result, shape, TensorProto.FLOAT)
        left = result
    return nodes


def _relabel(place: Relabelling) -> None:
    if place.layout.index(attribute(place.given, "axis") % 4) != 1:
        raise IllegalGraphError(place.node.name, "only channels can be concatenated", "choose their axis")
    set_attribute(place.node, "axis", 3)


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(inputs, attribute(node, "axis"))


def _ranges(_model: ModelWrapper, _node: NodeProto, inputs: Sequence[Range]) -> Typed:
    exponent = min(part.exponent for part in inputs)
    parts = [part.at(exponent) for part in inputs]
    low, high = np.concatenate([part.low for part in parts]), np.concatenate([part.high for part in parts])
    result = Range(low, high, exponent)
    return result, LayerTypes(result.type())


FACET = OnnxNodes((
    NodeKind("Concat", _run, _ranges, rules=(_joins_channels,), joins=True, new_values=False, one_scale=True,
             lowered=_lowered, relabel=_relabel),
))
