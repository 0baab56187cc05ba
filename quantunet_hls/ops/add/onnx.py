"""ONNX's ``Add`` of two images of one shape: where a residual network's branches meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.constants import constant_is_finite, direction_of_constant, line_of_constant
from quantunet_hls.ops.qonnx.graph import constant, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import MAX_RANGE_BITS, LayerTypes, Range, Typed

__all__ = ["FACET"]


def _adds_two_images(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    if any(constant(model, name) is not None for name in node.input):
        return constant_is_finite(model, node)
    one, other = (shape_of(model, name) for name in node.input)
    if one != other:
        return IllegalGraphError(node.name, f"images of different shapes are added, {list(one)} and {list(other)}",
                                 "bring both branches to one shape, with a 1 x 1 convolution where channels differ")
    return None


def _run(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return inputs[0] + inputs[1]


def _ranges(_model: ModelWrapper, _node: NodeProto, inputs: Sequence[Range]) -> Typed:
    """Both ends of the sum, at the finer of both steps: powers of two are aligned by shifts, so nothing is rounded."""
    exponent = min(part.exponent for part in inputs)
    one, other = (part.at(exponent) for part in inputs)
    result = Range(one.low + other.low, one.high + other.high, exponent)
    if max(int(np.abs(end).max()) for end in (result.low, result.high)) >> MAX_RANGE_BITS:
        raise OverflowError
    return result, LayerTypes(result.type())


FACET = OnnxNodes((NodeKind("Add", _run, _ranges, rules=(_adds_two_images,), joins=True, one_scale=True,
                             steps=line_of_constant, monotone=direction_of_constant,
                            bounds=lambda _node, inputs, _digits: inputs[0] + inputs[1]),))
