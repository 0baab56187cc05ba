"""ONNX's ``LeakyRelu``, by itself with a slope that is a power of two, or 0; and ``PRelu``, a slope a channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.bounds import Bounds
from quantunet_hls.ops.qonnx.graph import attribute, constant, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed, positive_values
from quantunet_hls.ops.qonnx.values import Bend, Step, exact, per_channel

__all__ = ["FACET"]


def _slope(node: NodeProto) -> float:
    """As the float32 number that a file holds."""
    return float(np.float32(attribute(node, "alpha", 0.01)))


def _has_finite_slope(_model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    if not np.isfinite(_slope(node)):
        return IllegalGraphError(node.name, f"its slope is {_slope(node):g}", "train the network again")
    return None


def _is_a_shift(node: NodeProto) -> bool:
    slope = _slope(node)
    return 0 <= slope <= 1 and (slope == 0 or np.frexp(slope)[0] == 0.5)


def _steps(_model: ModelWrapper, node: NodeProto, _axis: int) -> list[Step]:
    return [Bend(exact(_slope(node)))]


def _has_constant_slopes(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    slopes = constant(model, node.input[1])
    if slopes is None or not np.all(np.isfinite(slopes)):
        return IllegalGraphError(node.name, "its slopes are no finite constants", "export the network in eval mode")
    return None


def _slopes(model: ModelWrapper, node: NodeProto, axis: int) -> list[Step] | None:
    slopes, shape = constant(model, node.input[1]), shape_of(model, node.input[0])
    assert slopes is not None, "the legality check wants constant slopes"
    numbers = per_channel(slopes, axis, len(shape), shape[axis])
    return None if numbers is None else [Bend(number) for number in numbers]


def _run_slopes(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.where(inputs[0] < 0, inputs[0] * np.asarray(inputs[1], np.float64), inputs[0])


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


FACET = OnnxNodes((
    NodeKind("LeakyRelu", _run, _ranges, rules=(_has_finite_slope,), finer=_finer, steps=_steps, alone=_is_a_shift,
             on_sums=True, bounds=_bounds, monotone=lambda node, _constants: int(_slope(node) >= 0), pointwise=True),
    NodeKind("PRelu", _run_slopes, rules=(_has_constant_slopes,), roles=("slope",), on_sums=True, steps=_slopes,
             alone=lambda _node: False),
))
