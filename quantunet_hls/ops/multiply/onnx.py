"""ONNX's ``Mul`` of two images: attention gates, squeeze and excitation."""

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


def _multiplies_two_images(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    if any(constant(model, name) is not None for name in node.input):
        return constant_is_finite(model, node)
    one, other = (shape_of(model, name) for name in node.input)
    if shape_of(model, node.output[0]) not in (one, other):
        return _of_no_shape(node, one, other)
    return None


def _of_no_shape(node: NodeProto, one: Sequence[int], other: Sequence[int]) -> IllegalGraphError:
    return IllegalGraphError(node.name, f"images of the shapes {list(one)} and {list(other)} are multiplied",
                             "bring them to one shape, or one of them to one channel, to one pixel, or to both")


def _run(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return inputs[0] * inputs[1]


def _ranges(model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    """The least and the largest of the products of both ends, channel by channel."""
    image, factor = sorted((shape_of(model, name)[1:] for name in node.input), key=np.prod, reverse=True)
    if factor[:2] not in (image[:2], (1, 1)) or factor[2] not in (image[2], 1):
        raise _of_no_shape(node, image, factor)
    one, other = inputs
    bits = sum(max(int(np.abs(end).max()).bit_length() for end in (each.low, each.high)) for each in inputs)
    if bits > MAX_RANGE_BITS:
        raise OverflowError
    products = np.stack([a * b for a in (one.low, one.high) for b in (other.low, other.high)])
    result = Range(products.min(0), products.max(0), one.exponent + other.exponent)
    return result, LayerTypes(result.type())


FACET = OnnxNodes((NodeKind("Mul", _run, _ranges, rules=(_multiplies_two_images,), joins=True, product=True,
                            steps=line_of_constant, monotone=direction_of_constant, on_sums=True,
                            bounds=lambda _node, inputs, _digits: inputs[0] * inputs[1]),))
