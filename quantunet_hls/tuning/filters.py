"""Fitted weights in a QONNX graph."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper

from quantunet_hls.ops.qonnx.filters import filter_axis, weights_of
from quantunet_hls.ops.qonnx.graph import QUANT_DOMAINS, IndexedModel, add_constant, free_name
from quantunet_hls.tuning.rounding import FittedFilters

__all__ = ["constants_quantizer", "with_filters"]


def with_filters(model: IndexedModel, node: NodeProto, layer: FittedFilters) -> NodeProto:
    """Give a node these weights, and biases as they are; returns the quantizer of its weights, not yet in the graph."""
    weights = np.ascontiguousarray(weights_of(node, layer.weights))
    shape = [1] * weights.ndim
    shape[filter_axis(node)] = -1
    quantizer = constants_quantizer(model, node, "weight", weights, layer.steps.reshape(shape), layer.width,
                                    narrow=layer.width == 2)
    biases = add_constant(model, f"{node.output[0]}_bias", layer.biases.astype(np.float32))
    del node.input[1:]
    node.input.extend([quantizer.output[0], biases])
    return quantizer


def constants_quantizer(model: IndexedModel, node: NodeProto, role: str, values: np.ndarray, steps: np.ndarray,
                        width: int, *, narrow: bool) -> NodeProto:
    """A quantizer of constants for a node, not yet in the graph; its own constants are set in the model."""
    result = free_name(model, f"{node.output[0]}_{role}_quantized")
    tensors = {"values": values, "scale": steps, "zero": np.array(0.0), "bits": np.array(float(width))}
    inputs = [add_constant(model, f"{result}_{end}", numbers.astype(np.float32)) for end, numbers in tensors.items()]
    model.set_tensor_shape(result, list(values.shape))
    return helper.make_node("Quant", inputs, [result], name=f"{node.name}_{role}_quantizer", domain=QUANT_DOMAINS[0],
                            signed=1, narrow=int(narrow), rounding_mode="ROUND")
