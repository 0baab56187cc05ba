"""Weights and biases of a node: what is admitted, and what a file may leave out around them."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.graph import (
    CHANNELS_LAST,
    QUANT_OPS,
    attribute,
    constant,
    remove_attribute,
    set_attribute,
    shape_of,
)

__all__ = ["MAX_BITS", "explicit_kernel", "explicit_window", "is_fixed_point", "weights_are_quantized"]

#: Widest quantizer that is admitted: beyond it float32, in which QONNX holds its tensors, is no longer exact.
MAX_BITS = 24


def weights_are_quantized(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """The rule that weights are fixed-point constants, or go through a quantizer, and that biases are constants."""
    for role, name in zip(("weights", "biases"), node.input[1:3], strict=False):
        value = constant(model, name)
        if value is not None:
            # A bias of any kind becomes part of the quantizer behind the sums.
            if role == "biases" and np.all(np.isfinite(value)):
                continue
            if not is_fixed_point(value):
                return IllegalGraphError(
                    node.name, f"its {role} are not quantized, and hls4ml would cut them to 16 bits",
                    f"give the layer a quantizer for its {role}")
            continue
        producer = model.find_producer(name)
        quantizes = producer is not None and producer.op_type in QUANT_OPS and len(producer.input) > 0
        given = constant(model, producer.input[0]) if quantizes else None
        if given is None:
            return IllegalGraphError(node.name, f"its {role} are computed, not constant", "use constant weights")
        if not np.all(np.isfinite(given)):
            return IllegalGraphError(node.name, f"its {role} hold values that are no finite numbers",
                                     "train the network again from a checkpoint before they appeared")
    return None


def is_fixed_point(values: np.ndarray) -> bool:
    """Whether integers of at most MAX_BITS times a power of two hold these values exactly."""
    nonzero = np.abs(values[values != 0].astype(np.float64))
    if not nonzero.size or not np.all(np.isfinite(nonzero)):
        return not nonzero.size
    mantissa, exponent = np.frexp(nonzero)
    digits = (mantissa * 2**53).astype(np.int64)
    trailing = np.log2((digits & -digits).astype(np.float64))
    lowest = (exponent - 53 + trailing).min()
    return bool(exponent.max() - lowest <= MAX_BITS)


def explicit_window(_model: ModelWrapper, node: NodeProto) -> None:
    """A window's strides and padding, which hls4ml looks up without a default."""
    for name, value in (("strides", [1, 1]), ("pads", [0, 0, 0, 0])):
        set_attribute(node, name, attribute(node, name, value))
    for name in ("auto_pad", "storage_order"):
        remove_attribute(node, name)


def explicit_kernel(model: ModelWrapper, node: NodeProto) -> None:
    """The same of a window with weights, and what else is said of these."""
    weights = shape_of(model, node.input[1])
    kernel = weights[1:3] if node.domain == CHANNELS_LAST else weights[2:4]
    explicit_window(model, node)
    for name, value in (("kernel_shape", list(kernel)), ("dilations", [1, 1]), ("group", 1)):
        set_attribute(node, name, attribute(node, name, value))
