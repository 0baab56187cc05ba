"""QONNX's quantizers ``BipolarQuant`` and ``Trunc`` as what they are short for: nodes ``Quant``, scaled and shifted."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.functions import Grid, grid_of
from quantunet_hls.ops.qonnx.graph import QUANT_DOMAINS, attribute, constant, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind
from quantunet_hls.ops.qonnx.weights import MAX_BITS
from quantunet_hls.types.fixed import covering

__all__ = ["BIPOLAR", "TRUNC", "bipolar_parts"]


def _quant(model: ModelWrapper, node: NodeProto, source: str, result: str, scale: np.ndarray | float, bits: int,
           **modes: Any) -> NodeProto:
    """A Quant in a node's place, with constants of its own and zero point 0."""
    names = [f"{result}_{role}" for role in ("scale", "zero", "bits")]
    for name, value in zip(names, (scale, 0, bits), strict=True):
        model.set_initializer(name, np.asarray(value, dtype=np.float32))
    ending = "" if result == node.output[0] else result.removeprefix(node.output[0])
    return helper.make_node("Quant", [source, *names], [result], name=f"{node.name}{ending}", domain=QUANT_DOMAINS[0],
                            **modes)


def _with_number(model: ModelWrapper, node: NodeProto, op_type: str, source: str, number: float,
                 result: str) -> NodeProto:
    """A node that computes with one number, value by value."""
    name = f"{result}_number"
    model.set_initializer(name, np.asarray(number, dtype=np.float32))
    ending = "" if result == node.output[0] else result.removeprefix(node.output[0])
    return helper.make_node(op_type, [source, name], [result], name=f"{node.name}{ending}")


def _steps(model: ModelWrapper, node: NodeProto, *endings: str) -> list[str]:
    """Names of tensors between a node's input and its result, of the input's shape."""
    names = [f"{node.output[0]}_{ending}" for ending in endings]
    for name in names:
        model.set_tensor_shape(name, shape_of(model, node.input[0]))
    return names


# BipolarQuant: the scale where a number is 0 at least, minus the scale else.


def bipolar_parts(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """A quantizer to plus or minus its scale, which is input 1, as nodes of other kinds.

    Two bits hold the scale, its negative, and the 0 that padding puts beside them. Constants are rounded here. Of a
    stream a quantizer that rounds down keeps the sign, whatever its scale is: levels of -2 and -1 are of what is
    negative, 0 and 1 of what is not. Twice the level and one more then is -1 or less, or 1 or more.
    """
    result, scale = node.output[0], constant(model, node.input[1])
    assert scale is not None, "the rule has seen to it"
    weights = constant(model, node.input[0])
    if weights is not None:
        levels = f"{result}_levels"
        model.set_initializer(levels, np.asarray(binary_quant(weights, scale), dtype=np.float32))
        return [_quant(model, node, levels, result, scale, 2, signed=1, narrow=1, rounding_mode="ROUND")]
    one = float(scale.flat[0])
    sign, twice, level = _steps(model, node, "sign", "twice", "level")
    return [_quant(model, node, node.input[0], sign, one, 2, signed=1, narrow=0, rounding_mode="FLOOR"),
            _with_number(model, node, "Mul", sign, 2.0, twice),
            _with_number(model, node, "Add", twice, one, level),
            _quant(model, node, level, result, one, 2, signed=1, narrow=1, rounding_mode="ROUND")]


def _has_a_scale(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    scale = constant(model, node.input[1]) if len(node.input) == 2 else None
    if scale is None:
        return IllegalGraphError(node.name, "its scale must be a constant", "export the network in eval mode")
    if not scale.size or not np.all(np.isfinite(scale)) or np.any(scale <= 0):
        return IllegalGraphError(node.name, "its scale is no positive number", "train the network again")
    if constant(model, node.input[0]) is None and scale.size != 1:
        return IllegalGraphError(node.name, "an activation has several scales, where a stream has one type",
                                 "use one scale a tensor")
    return None


#: No graph has it behind the forms in which the legality check reads it, but where it is refused.
BIPOLAR = NodeKind("BipolarQuant", lambda _node, inputs: np.asarray(binary_quant(*inputs), dtype=np.float64),
                   rules=(_has_a_scale,), domains=QUANT_DOMAINS, roles=("scale",), stands_for=bipolar_parts)


# Trunc: whole numbers of a scale without their last bits.


def _trunc_parts(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """A quantizer of the scale that is left; in QONNX's first version the number of steps keeps the old scale.

    Both round to whole steps of the input's scale first. Behind a truncated mean every value is one already.
    """
    scale, shift = _scale_and_shift(model, node)
    kept, mode = float(scale * Fraction(2) ** shift), attribute(node, "rounding_mode", "FLOOR").upper()
    codes = _codes(model, node.input[0], scale)
    source, result = node.input[0], node.output[0]
    parts = []
    if codes is None:
        (whole,) = _steps(model, node, "whole")
        parts.append(_quant(model, node, source, whole, float(scale), MAX_BITS, signed=1, narrow=0,
                            rounding_mode="ROUND"))
        source = whole
    if _is_first_version(node):
        assert codes is not None, "the rule has seen to it"
        low, high = codes
        kind = covering(low >> shift, high >> shift if mode == "FLOOR" else -(-high >> shift))
        moved = _steps(model, node, "steps")[0] if shift else result
        parts.append(_quant(model, node, source, moved, kept, kind.width, signed=int(kind.signed), narrow=0,
                            rounding_mode=mode))
        return [*parts, _with_number(model, node, "Mul", moved, 2.0**-shift, result)] if shift else parts
    bits = constant(model, node.input[5])
    assert bits is not None, "the rule has seen to it"
    return [*parts, _quant(model, node, source, result, kept, int(bits.flat[0]), signed=attribute(node, "signed", 1),
                           narrow=attribute(node, "narrow", 0), rounding_mode=mode)]


def _is_first_version(node: NodeProto) -> bool:
    return len(node.input) == 5


def _scale_and_shift(model: ModelWrapper, node: NodeProto) -> tuple[Fraction, int]:
    """The scale of what comes, and bits that go."""
    numbers = [constant(model, name) for name in node.input[1:]]
    values = [float(number.flat[0]) for number in numbers if number is not None]
    if _is_first_version(node):
        return Fraction(values[0]), round(values[2] - values[3])
    return Fraction(values[0]), round(np.log2(values[3] / values[0]))


def _codes(model: ModelWrapper, tensor: str, scale: Fraction) -> tuple[int, int] | None:
    """The least and the largest number of steps that a tensor can have; None where they may be no whole ones."""
    grid = _grid(model, tensor)
    if grid is None or (grid.step / scale).denominator != 1:
        return None
    return grid.low * (grid.step / scale).numerator, grid.high * (grid.step / scale).numerator


def _grid(model: ModelWrapper, tensor: str) -> Grid | None:
    """The numbers of a tensor that a quantizer wrote, or of means of them, or of these times a number."""
    node = model.find_producer(tensor)
    if node is None:
        return None
    if node.op_type == "AveragePool" and attribute(node, "kernel_shape"):
        grid, count = grid_of(model, node.input[0]), int(np.prod(attribute(node, "kernel_shape")))
        if grid is None or attribute(node, "ceil_mode", 0):
            return None
        padded = any(attribute(node, "pads", [0]))
        if padded and not attribute(node, "count_include_pad", 0):
            return None
        return Grid(grid.step / count, count * min(grid.low, 0 if padded else grid.low),
                    count * max(grid.high, 0 if padded else grid.high))
    number = constant(model, node.input[1]) if node.op_type == "Mul" else None
    if number is not None and number.size == 1 and number.flat[0] > 0:
        grid = _grid(model, node.input[0])
        return None if grid is None else Grid(grid.step * Fraction(float(number.flat[0])), grid.low, grid.high)
    return grid_of(model, tensor)


def _truncates_steps(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    if len(node.input) not in (5, 6):
        return illegal(f"a truncation has 5 or 6 inputs, not {len(node.input)}",
                       "export the network with export_qonnx")
    numbers = [constant(model, name) for name in node.input[1:]]
    if any(number is None or number.size != 1 or not np.isfinite(number.flat[0]) for number in numbers):
        return illegal("its scales, zero point and bit widths must be constants, one each",
                       "export the network in eval mode")
    scale, zero, *rest = (float(number.flat[0]) for number in numbers if number is not None)
    if zero:
        return illegal("its zero point is not 0", "use a symmetric quantizer")
    if scale <= 0 or any(number <= 0 for number in rest):
        return illegal("its scales and bit widths are not all positive", "export the network again")
    _, shift = _scale_and_shift(model, node)
    if not _is_first_version(node):
        if Fraction(rest[1]) != Fraction(scale) * Fraction(2) ** shift:
            return illegal(f"its scales {scale:g} and {rest[1]:g} are no power of two apart",
                           "export the network with export_qonnx")
        return None
    if rest[0] != int(rest[0]) or rest[1] != int(rest[1]) or not 0 <= shift <= MAX_BITS:
        return illegal(f"its bit widths {rest[0]:g} and {rest[1]:g} are no whole numbers of bits, of which some go",
                       "export the network again")
    if _codes(model, node.input[0], Fraction(scale)) is None:
        return illegal(f"what it reads may be no whole number of its scale {scale:g}",
                       "put it right behind an average pooling of a quantized image, or export for QONNX 2")
    return None


def _run_trunc(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    mode = attribute(node, "rounding_mode", "FLOOR")
    if _is_first_version(node):
        return np.asarray(trunc_v1(*inputs, mode), dtype=np.float64)
    signed, narrow = (bool(attribute(node, name, default)) for name, default in (("signed", 1), ("narrow", 0)))
    tensor, scale, zero, bits, out_scale, out_bits = inputs
    return np.asarray(trunc_v2(tensor, scale, zero, bits, narrow, signed, out_scale, out_bits, mode), dtype=np.float64)


#: No graph has it behind the forms in which the legality check reads it, but where it is refused.
TRUNC = NodeKind("Trunc", _run_trunc, rules=(_truncates_steps,), domains=QUANT_DOMAINS,
                 roles=("scale", "zero", "bits", "out_scale", "out_bits"), stands_for=_trunc_parts)
