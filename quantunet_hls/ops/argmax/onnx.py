"""ONNX's ``ArgMax`` over the channels: the class of each pixel, at a network's end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, TensorProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.ends import at_the_end, bypass_source, lone_source, state_result
from quantunet_hls.ops.qonnx.graph import attribute, set_attribute, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes, Relabelling
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed
from quantunet_hls.ops.qonnx.refused import PROBABILITIES

__all__ = ["FACET"]


def _lowest_of_many(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    if attribute(node, "select_last_index", 0):
        return IllegalGraphError(node.name, "the highest of equal classes can't be chosen",
                                 "set select_last_index to 0")
    if shape_of(model, node.input[0])[attribute(node, "axis", 0) % 4] < 2:
        return IllegalGraphError(node.name, "there is but one class, so every pixel has it", "compare it with Greater")
    return None


def _plain_end(model: ModelWrapper, node: NodeProto) -> None:
    """Keeps its axis; a softmax or sigmoid in front of it, which leaves the classes as they are, goes."""
    shape = list(shape_of(model, node.input[0]))
    axis = attribute(node, "axis", 0) % len(shape)
    source = lone_source(model, node)
    set_attribute(node, "axis", axis)
    set_attribute(node, "keepdims", 1)
    if source is not None and (source.op_type == "Sigmoid" or (
            source.op_type in PROBABILITIES and attribute(source, "axis", -1) % len(shape) == axis)):
        bypass_source(model, node, source)
    shape[axis] = 1
    state_result(model, node, shape, TensorProto.INT64)


def _relabel(place: Relabelling) -> None:
    if place.layout.index(attribute(place.given, "axis", 0) % 4) != 1:
        raise IllegalGraphError(place.node.name, "only channels are classes", "choose their axis")
    set_attribute(place.node, "axis", 3)


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return inputs[0].argmax(axis=attribute(node, "axis"), keepdims=True).astype(np.float64)


def _ranges(_model: ModelWrapper, _node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    result = Range(np.zeros(1, np.int64), np.full(1, len(given.low) - 1), 0)
    return result, LayerTypes(result.type())


FACET = OnnxNodes((
    NodeKind("ArgMax", _run, _ranges, rules=(at_the_end(), _lowest_of_many), classes=True, plain_end=_plain_end,
             relabel=_relabel),
))
