"""ONNX's ``LeakyRelu`` with a slope that is a power of two, or 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.bounds import Bounds
from quantunet_hls.ops.qonnx.graph import attribute
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed, positive_values

__all__ = ["FACET"]


def _has_exact_slope(_model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    slope = float(np.float32(attribute(node, "alpha", 0.01)))
    if not 0 <= slope <= 1 or (slope and np.frexp(slope)[0] != 0.5):
        return IllegalGraphError(node.name, f"a LeakyReLU slope of {slope:g} is no power of two, so it can't be exact",
                                 "use a slope such as 0.125 or 0.25")
    return None


def _finer(node: NodeProto) -> int:
    slope = float(attribute(node, "alpha", 0.01))
    return -int(np.log2(slope)) if slope else 0


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.where(inputs[0] < 0, inputs[0] * attribute(node, "alpha", 0.01), inputs[0])


def _ranges(_model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    slope = float(attribute(node, "alpha", 0.01))
    if slope == 0:
        return positive_values(inputs)
    fine = given.at(given.exponent + int(np.log2(slope)))
    low = np.where(given.low < 0, given.low, fine.low)
    high = np.where(given.high < 0, given.high, fine.high)
    result = Range(low, high, fine.exponent)
    return result, LayerTypes(result.type())


def _bounds(node: NodeProto, inputs: Sequence[Bounds], _digits: int) -> Bounds:
    zero = Bounds.of(0)
    return inputs[0].most(zero) + Bounds.of(float(attribute(node, "alpha", np.float32(0.01)))) * inputs[0].least(zero)


FACET = OnnxNodes((NodeKind("LeakyRelu", _run, _ranges, rules=(_has_exact_slope,), finer=_finer, on_sums=True,
                            bounds=_bounds),))
