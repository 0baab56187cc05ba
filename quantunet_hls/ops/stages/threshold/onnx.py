"""ONNX's ``Greater`` with a constant, at a network's end: whether a pixel is of the one class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, TensorProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.ends import at_the_end, bypass_source, lone_source, state_result
from quantunet_hls.ops.qonnx.graph import constant, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes, Relabelling
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed

__all__ = ["FACET"]


def _has_one_limit(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    limit = constant(model, node.input[1])
    if constant(model, node.input[0]) is not None or limit is None or limit.size != 1 or not np.isfinite(limit).all():
        return IllegalGraphError(node.name, "a comparison must be with one constant",
                                 "compare the logits with a number")
    source = model.find_producer(node.input[0])
    if source is not None and source.op_type == "Sigmoid":
        return IllegalGraphError(node.name, f"a sigmoid is compared with {limit.flat[0]:g}",
                                 "compare it with 0.5, or its logits with the logit of that")
    return None


def _plain_end(model: ModelWrapper, node: NodeProto) -> None:
    """A sigmoid that is compared with 0.5 goes: its logit is compared with 0 instead."""
    shape, source, limit = shape_of(model, node.input[0]), lone_source(model, node), constant(model, node.input[1])
    if (source is not None and source.op_type == "Sigmoid" and limit is not None and limit.size == 1
            and float(limit.flat[0]) == 0.5):
        bypass_source(model, node, source)
        node.input[1] = f"{node.output[0]}_limit"
        model.set_initializer(node.input[1], np.zeros(1, dtype=np.float32))
    state_result(model, node, shape, TensorProto.BOOL)


def _check_one_channel(place: Relabelling) -> None:
    if (channels := place.shape[1]) != 1:
        raise IllegalGraphError(place.node.name, f"a comparison of {channels} channels makes a mask of each",
                                "use ArgMax, or compare a single channel")


def _run(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return (inputs[0] > inputs[1]).astype(np.float64)


def _ranges(_model: ModelWrapper, _node: NodeProto, _inputs: Sequence[Range]) -> Typed:
    result = Range(np.zeros(1, np.int64), np.ones(1, np.int64), 0)
    return result, LayerTypes(result.type())


FACET = OnnxNodes((
    NodeKind("Greater", _run, _ranges, rules=(at_the_end(), _has_one_limit), roles=("limit",), classes=True,
             plain_end=_plain_end, relabel=_check_one_channel),
))
