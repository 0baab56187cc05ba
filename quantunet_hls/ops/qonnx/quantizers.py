"""What a quantizer's node says."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import QUANT_OPS, attribute, constant, consumers, only
from quantunet_hls.ops.qonnx.values import exact
from quantunet_hls.ops.stages.requantize.steps import Quantizer
from quantunet_hls.types.fixed import FixedType

__all__ = ["is_cast", "is_shift", "joint_quantizers_of", "levels_of", "limited_by", "quant_type", "quantizers_of"]


def quant_type(model: ModelWrapper, node: NodeProto) -> FixedType:
    """The type of a Quant node with a scalar power-of-two scale (QONNX's definition of Quant)."""
    scale, _, bits = _numbers(model, node)
    signed = bool(attribute(node, "signed"))
    width = int(bits.flat[0])
    exponent = int(np.log2(scale.flat[0]))
    rounding = "RND_CONV" if attribute(node, "rounding_mode") == "ROUND" else "TRN"
    saturation = "SAT_SYM" if attribute(node, "narrow") else "SAT"
    return FixedType(width, -exponent, signed, rounding, saturation)


def is_shift(model: ModelWrapper, node: NodeProto) -> bool:
    """Whether its scales are powers of two and its zero point is 0."""
    scale, zero, _ = _numbers(model, node)
    return not np.any(zero) and bool(np.all(np.frexp(scale)[0] == 0.5))


def quantizers_of(model: ModelWrapper, node: NodeProto) -> list[Quantizer]:
    """The quantizer of each of its scales, in their order."""
    scale, zero, bits = _numbers(model, node)
    signed, narrow = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 0))
    reach = 1 << (int(bits.flat[0]) - signed)
    low = -reach + narrow if signed else 0
    half_even = attribute(node, "rounding_mode", "ROUND") == "ROUND"
    return [Quantizer(exact(each), int(zero.flat[0]), low, reach - 1, half_even) for each in scale.reshape(-1)]


def limited_by(model: ModelWrapper, node: NodeProto) -> NodeProto | None:
    """The one reader of a quantizer, where that is a quantizer of the same scale: it rounds nothing, and limits more.

    None where both are casts, which hardware has as they are.
    """
    readers = consumers(model, node.output[0])
    if (len(readers) != 1 or readers[0].op_type not in QUANT_OPS or node.output[0] == only(model, "output")
            or constant(model, node.input[0]) is not None):
        return None
    (scale, _, _), (behind, _, _) = _numbers(model, node), _numbers(model, readers[0])
    if scale.size != behind.size or not np.array_equal(scale.reshape(-1), behind.reshape(-1)):
        return None
    return None if is_shift(model, node) and is_shift(model, readers[0]) else readers[0]


def joint_quantizers_of(model: ModelWrapper, node: NodeProto) -> list[Quantizer]:
    """The quantizer of each scale that it makes together with those before it which it limits."""
    own, before = quantizers_of(model, node), model.find_producer(node.input[0])
    if before is None or before.op_type not in QUANT_OPS or limited_by(model, before) != node:
        return own
    return [one.limited(other) for one, other in zip(joint_quantizers_of(model, before), own, strict=True)]


def is_cast(model: ModelWrapper, node: NodeProto) -> bool:
    """Whether hardware has it as it is, a cast to one type: one power-of-two scale, and no quantizer joint with it."""
    own = quantizers_of(model, node)
    return (is_shift(model, node) and len(set(own)) == 1 and limited_by(model, node) is None
            and joint_quantizers_of(model, node) == own)


def levels_of(values: np.ndarray, scale: np.ndarray, quantizer: Quantizer) -> np.ndarray:
    """The levels of float32 values for float32 scales of their shape, in steps from that of 0: int64.

    Both have 24 bits, so a quotient that is no tie, a whole number of halves, is farther from one than double precision
    rounds; the zero point, which would cost it digits, is added to whole numbers.
    """
    quotient = np.asarray(values, np.float64) / np.asarray(scale, np.float64)
    reach = float(1 << 40)
    floor = np.floor(np.clip(quotient, -reach, reach))
    rest = np.clip(quotient, -reach, reach) - floor
    level = floor.astype(np.int64) + quantizer.zero
    if quantizer.half_even:
        level += (rest > 0.5) | ((rest == 0.5) & (level % 2 == 1))
    return np.clip(level, quantizer.low, quantizer.high) - quantizer.zero


def _numbers(model: ModelWrapper, node: NodeProto) -> list[np.ndarray]:
    found = [constant(model, name) for name in node.input[1:4]]
    assert all(value is not None for value in found), "the legality check wants constants"
    return [np.asarray(value) for value in found]
