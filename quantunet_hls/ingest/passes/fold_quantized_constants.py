"""Quantized weights and biases become the constants that they are."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.general.intquant import int_quant

from quantunet_hls.ops.qonnx.graph import QUANT_OPS, attribute, constant, copy_of, replace_nodes

__all__ = ["fold_quantized_constants"]


def fold_quantized_constants(model: ModelWrapper) -> ModelWrapper:
    """Each Quant node whose input is a constant is computed, in double precision.

    The result is exact: an integer times a power of two (the legality check has
    seen to that), which float32 holds as it is up to 24 bits. Per-channel scales
    need nothing more, where hls4ml would put a multiplication behind the layer.
    """
    model = copy_of(model)
    kept = []
    for node in model.graph.node:
        values = [constant(model, name) for name in node.input] if node.op_type in QUANT_OPS else [None]
        if any(value is None for value in values):
            kept.append(node)
            continue
        tensor, scale, zero, bits = (np.asarray(value, dtype=np.float64) for value in values)
        signed, narrow = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 0))
        quantized = int_quant(tensor, scale, zero, bits, signed, narrow, attribute(node, "rounding_mode", "ROUND"))
        model.set_initializer(node.output[0], quantized.astype(np.float32))
    replace_nodes(model, kept)
    return model
