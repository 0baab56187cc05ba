"""ONNX's ``Clip``, such as ReLU6: exact at any limits, for numbers in a file are fixed-point numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.bounds import Bounds
from quantunet_hls.ops.qonnx.graph import attribute, constant, set_attribute
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed
from quantunet_hls.ops.qonnx.values import Clamp, Step, exact

__all__ = ["FACET"]

#: Stands for a limit that there is not, in steps; no proof counts as far.
_FAR = 1 << 62


def _ends(model: ModelWrapper, node: NodeProto) -> tuple[float, float] | None:
    """Both limits, which are attributes up to opset 10 and constants from 11 on; None where they are computed."""
    ends = [float(attribute(node, name, default)) for name, default in (("min", -math.inf), ("max", math.inf))]
    for index, name in enumerate(node.input[1:3]):
        value = constant(model, name) if name else None
        if name and (value is None or value.size != 1):
            return None
        if value is not None:
            ends[index] = float(value.flat[0])
    low, high = ends
    return low, high


def _has_limits(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    ends = _ends(model, node)
    if ends is None:
        return IllegalGraphError(node.name, "its limits are not one constant each", "clip to two numbers")
    if not ends[0] <= ends[1]:
        return IllegalGraphError(node.name, f"its limits {ends[0]:g} and {ends[1]:g} are no interval",
                                 "give the lower one first")
    return None


def _explicit(model: ModelWrapper, node: NodeProto) -> None:
    """The limits are attributes."""
    ends = _ends(model, node)
    assert ends is not None, "the legality check wants constants"
    del node.input[1:]
    for name, end in zip(("min", "max"), ends, strict=True):
        set_attribute(node, name, end)


def _lowered(_model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """With 0 for its only limit it is a ReLU."""
    if (attribute(node, "min"), attribute(node, "max")) == (0, math.inf):
        node.op_type = "Relu"
        del node.attribute[:]
        return [node]
    low, high, fraction = _steps(node)
    for name, value in (("low", low), ("high", high), ("fraction", fraction)):
        set_attribute(node, name, value)
    return [node]


def _steps(node: NodeProto) -> tuple[int, int, int]:
    """Both limits as whole numbers of steps of ``2**-fraction``, and the fraction."""
    ends = [float(attribute(node, name)) for name in ("min", "max")]
    numbers = [Fraction(end) for end in ends if math.isfinite(end)]
    fraction = max([number.denominator.bit_length() - 1 for number in numbers], default=0)
    low, high = (int(Fraction(end) * 2**fraction) if math.isfinite(end) else int(math.copysign(_FAR, end))
                 for end in ends)
    return low, high, fraction


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.clip(inputs[0], attribute(node, "min"), attribute(node, "max"))


def _ranges(_model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    """Both ends limited, at a step that has the limits on its grid."""
    (given,) = inputs
    fine = given.at(min(given.exponent, -attribute(node, "fraction")))
    places = -attribute(node, "fraction") - fine.exponent
    low, high = (max(min(attribute(node, name) << places, _FAR), -_FAR) for name in ("low", "high"))
    result = Range(np.clip(fine.low, low, high), np.clip(fine.high, low, high), fine.exponent)
    return result, LayerTypes(result.type())


def _bounds(node: NodeProto, inputs: Sequence[Bounds], _digits: int) -> Bounds:
    value, constants = inputs[0], iter(inputs[1:])
    for index, (name, limited) in enumerate((("min", Bounds.most), ("max", Bounds.least)), 1):
        if len(node.input) > index and node.input[index]:
            value = limited(value, next(constants))
        elif math.isfinite(end := float(attribute(node, name, math.inf))):
            value = limited(value, Bounds.of(end))
    return value


def _limited(_model: ModelWrapper, node: NodeProto, _axis: int) -> list[Step]:
    low, high = (float(attribute(node, name)) for name in ("min", "max"))
    return [Clamp(exact(low) if math.isfinite(low) else None, exact(high) if math.isfinite(high) else None)]


FACET = OnnxNodes((
    NodeKind("Clip", _run, _ranges, rules=(_has_limits,), roles=("low", "high"), explicit=_explicit, lowered=_lowered,
             bounds=_bounds, steps=_limited, monotone=lambda _node, _constants: 1),
))
