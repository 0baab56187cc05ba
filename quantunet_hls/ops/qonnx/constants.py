"""Images and constants: what ``Add``, ``Sub``, ``Mul`` and ``Div`` of an image and a constant make of its values."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.graph import constant, shape_of
from quantunet_hls.ops.qonnx.values import Line, Step, per_channel

__all__ = ["constant_is_finite", "direction_of_constant", "line_of_constant"]


def constant_is_finite(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """The rule that one of both inputs is a finite constant, the divisor of a division, and that it is not 0 there."""
    index, value = _constant(model, node)
    if value is None or (node.op_type == "Div" and index == 0):
        return IllegalGraphError(node.name, f"{node.op_type} of two images, or of a constant by an image, can't be "
                                 "built", "use a constant" if value is None else "multiply by a constant")
    if not np.all(np.isfinite(value)) or (node.op_type == "Div" and np.any(value == 0)):
        return IllegalGraphError(node.name, "its constant is no finite number, or 0 where it divides",
                                 "train the network again from a checkpoint before it appeared")
    return None


def line_of_constant(model: ModelWrapper, node: NodeProto, axis: int) -> list[Step] | None:
    """Each channel's values times a factor, plus an offset; None for two images, or a constant of many pixels."""
    index, value = _constant(model, node)
    if value is None:
        return None
    shape = shape_of(model, node.output[0])
    numbers = per_channel(value, axis, len(shape), shape[axis])
    if numbers is None:
        return None
    return [_line(node.op_type, number, reverse=index == 0) for number in numbers]


def direction_of_constant(node: NodeProto, constants: Sequence[Fraction | None]) -> int:
    """1 where the result never falls as the image's value rises, -1 where it never rises, 0 where it may do both."""
    index = 0 if constants[0] is not None else 1
    number = constants[index]
    if number is None or (node.op_type == "Div" and not (index and number)):
        return 0
    return 1 if _line(node.op_type, number, reverse=index == 0).rises else -1


def _constant(model: ModelWrapper, node: NodeProto) -> tuple[int, np.ndarray | None]:
    values = [constant(model, name) for name in node.input]
    index = 0 if values[0] is not None else 1
    return index, values[index]


def _line(op_type: str, number: Fraction, *, reverse: bool) -> Line:
    one = Fraction(1)
    return {"Add": Line(one, number), "Mul": Line(number), "Sub": Line(-one, number) if reverse else Line(one, -number),
            "Div": Line(one / number) if number else Line(one)}[op_type]
