"""What ONNX's ``QuantizeLinear`` and ``DequantizeLinear`` say, and the QONNX quantizers that say the same.

A code c of the scale s and the zero point z stands for the value (c - z) * s. ONNX rounds a value to the nearest code,
half to even, before it adds the zero point; QONNX's ``Quant`` adds the zero point first, so that an odd one turns a tie
the other way. Between the two is only what :func:`windows` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import attribute, constant

__all__ = ["INTEGERS", "LINEAR_OPS", "QDQ_FORM", "Codes", "Window", "WrongLinearError", "around_zero", "codes_of",
           "windows"]

#: Op types that this is about.
LINEAR_OPS = ("QuantizeLinear", "DequantizeLinear")

#: What to do with a file whose operators compute with codes.
QDQ_FORM = ("quantize to the QDQ form, in which QuantizeLinear and DequantizeLinear stand between the usual operators "
            "(onnxruntime.quantization: quant_format=QuantFormat.QDQ)")

#: The least and the largest code of each type that may be quantized to; of int32 biases are.
INTEGERS = {
    getattr(TensorProto, name): (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    for name, bits, signed in (
        ("INT2", 2, True), ("UINT2", 2, False), ("INT4", 4, True), ("UINT4", 4, False), ("INT8", 8, True),
        ("UINT8", 8, False), ("INT16", 16, True), ("UINT16", 16, False), ("INT32", 32, True))
    if hasattr(TensorProto, name)}


class WrongLinearError(Exception):
    """A node that can't be read: the rule that it breaks, and the remedy."""

    def __init__(self, rule: str, remedy: str):
        self.rule, self.remedy = rule, remedy
        super().__init__(f"{rule}; {remedy}")


@dataclass(frozen=True)
class Codes:
    """Integers that stand for values.

    Attributes:
        scale: float32, one for all or one a channel: (channels,).
        zero: the code of 0, int64, likewise and of the same size.
        axis: of the channels; None where one scale is for all.
        low: least code.
        high: largest code.
    """

    scale: np.ndarray
    zero: np.ndarray
    axis: int | None
    low: int
    high: int

    def spread(self, values: np.ndarray, axes: int) -> np.ndarray:
        """A number for each channel so that it goes with a tensor of that many axes; one for all as a scalar."""
        if self.axis is None:
            return values.reshape(())
        return values.reshape([-1 if axis == self.axis else 1 for axis in range(axes)])

    def same_values(self, other: Codes) -> bool:
        """Whether the same code stands for the same value."""
        return (self.axis == other.axis and np.array_equal(self.scale, other.scale)
                and np.array_equal(self.zero, other.zero))

    @property
    def around_zero(self) -> Codes:
        """The same values, over all channels, by codes that are their number of steps from 0."""
        return Codes(self.scale, np.zeros_like(self.zero), self.axis, self.low - int(self.zero.max()),
                     self.high - int(self.zero.min()))


def codes_of(model: ModelWrapper, node: NodeProto, shape: Sequence[int]) -> Codes:
    """The codes that a ``QuantizeLinear`` writes or a ``DequantizeLinear`` reads.

    Args:
        model: the graph.
        node: either of the two.
        shape: of the tensor.

    Raises:
        WrongLinearError: it says what can't be built.
    """
    if len(node.input) < 2:
        raise WrongLinearError("it has no scale", "export the network again")
    scale, (zero, kind) = _scale(model, node), _zero(model, node)
    if kind not in INTEGERS:
        known = {number: name for name, number in TensorProto.DataType.items()}
        raise WrongLinearError(f"its codes are of the type {known.get(kind, kind)}",
                               "quantize to integers of 2 to 16 bits")
    if attribute(node, "block_size", 0) or scale.ndim > 1:
        raise WrongLinearError("it has a scale for each block of numbers", "use one scale a tensor or one a channel")
    scale = scale.reshape(-1)
    axis = None if scale.size == 1 else _axis(node, len(shape))
    if zero.size not in (1, scale.size) or (axis is not None and scale.size != shape[axis]):
        raise WrongLinearError(f"its {scale.size} scales and {zero.size} zero points do not fit a tensor of shape "
                               f"{list(shape)}", "export the network again")
    return Codes(scale, np.broadcast_to(zero, scale.shape), axis, *INTEGERS[kind])


def _zero(model: ModelWrapper, node: NodeProto) -> tuple[np.ndarray, int]:
    """The code of 0, and the type of codes."""
    written, known = model.get_initializer(node.input[0], return_dtype=True)
    if node.op_type == "QuantizeLinear" or written is None:
        known = attribute(node, "output_dtype", 0) if node.op_type == "QuantizeLinear" else 0
    if len(node.input) < 3 or not node.input[2]:
        info = model.get_tensor_valueinfo(node.input[0])
        if not known and node.op_type == "DequantizeLinear" and info is not None:
            known = info.type.tensor_type.elem_type
        return np.zeros(1, dtype=np.int64), known or TensorProto.UINT8
    value, kind = model.get_initializer(node.input[2], return_dtype=True)
    if value is None:
        raise WrongLinearError("its zero point is computed, not constant", "export the network in eval mode")
    if known and known != kind:
        raise WrongLinearError("its zero point is of another type than its codes", "export the network again")
    return np.asarray(value).astype(np.int64).reshape(-1) if kind in INTEGERS else np.zeros(1, np.int64), kind


def _scale(model: ModelWrapper, node: NodeProto) -> np.ndarray:
    scale = constant(model, node.input[1])
    if scale is None:
        raise WrongLinearError("its scale is computed, not constant",
                               "quantize statically, with scales that calibration has fixed")
    if scale.dtype != np.float32:
        raise WrongLinearError(f"its scale is of the type {scale.dtype}", "export the network in float32")
    if not scale.size or not np.all(np.isfinite(scale)) or np.any(scale <= 0):
        raise WrongLinearError("its scale is not above 0", "calibrate the network again")
    return scale


def _axis(node: NodeProto, axes: int) -> int:
    axis = int(attribute(node, "axis", 1))
    if axes == 1:
        # Biases, of which writers don't always say that they have no axis 1.
        return 0
    if not -axes <= axis < axes:
        raise WrongLinearError(f"its axis {axis} is none of a tensor of {axes} axes", "export the network again")
    return axis % axes


@dataclass(frozen=True)
class Window:
    """What a QONNX ``Quant`` that rounds half to even keeps: numbers of steps from 0.

    Attributes:
        bits: width of its integers.
        signed: whether they are.
        narrow: whether it leaves the least of them out.
        zero: its zero point.
    """

    bits: int
    signed: bool
    narrow: bool = False
    zero: int = 0

    @property
    def low(self) -> int:
        """The least number of steps."""
        return (-(1 << (self.bits - 1)) + self.narrow if self.signed else 0) - self.zero

    @property
    def high(self) -> int:
        """The largest."""
        return (1 << (self.bits - self.signed)) - 1 - self.zero


def around_zero(low: int, high: int) -> Window:
    """The narrowest window of the zero point 0 that has these numbers of steps."""
    if low >= 0:
        return Window(max(high.bit_length(), 1), signed=False)
    # A signed bit alone is read as -1 and 1.
    bits = max((-low - 1).bit_length(), max(high, 0).bit_length(), 1) + 1
    return Window(bits, signed=True, narrow=low == -high)


def windows(low: int, high: int) -> Sequence[Window]:
    """Quantizers of one scale that, one behind the other, round to whole steps and keep those from low to high.

    A window of an odd zero point, which would round ties the other way, comes only behind one that has rounded.
    """
    bits = max((high - low).bit_length(), 1)
    first = around_zero(low, high)
    from_below = Window(bits, signed=False, zero=-low)
    from_above = Window(bits, signed=False, zero=(1 << bits) - 1 - high)
    chains = ((first,), (from_below,), (first, from_below), (first, from_above), (from_below, from_above),
              (first, from_below, from_above))
    return next(chain for chain in chains if chain[0].zero % 2 == 0 and max(window.low for window in chain) == low
                and min(window.high for window in chain) == high)
