"""The QONNX graph of a planned network with grids for its activations and weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.filters import filter_axis, weights_of
from quantunet_hls.ops.qonnx.graph import QUANT_DOMAINS, QUANT_OPS, IndexedModel, copy_of, replace_nodes, set_attribute
from quantunet_hls.quantize.grids import Grid, Scales
from quantunet_hls.quantize.plan import Plan
from quantunet_hls.tuning.rounding import FittedFilters, bias_type

__all__ = ["assemble"]


def assemble(plan: Plan, grids: Mapping[str, Grid], layers: Mapping[str, FittedFilters],
             scales: Scales) -> ModelWrapper:
    """The network.

    Args:
        plan: of it.
        grids: of each quantizer.
        layers: weights and biases of each layer.
        scales: what the steps of the weights are; biases are then on the grid of the products, or as they are.
    """
    model = copy_of(plan.written)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        name = str(node.name)
        if node.op_type in QUANT_OPS:
            grid = grids[name]
            for tensor, value in zip(node.input[1:], (grid.step, 0.0, grid.width), strict=True):
                model.set_initializer(tensor, np.array(value, np.float32))
            set_attribute(node, "signed", int(grid.signed))
        elif name in layers:
            layer = layers[name]
            weights = np.ascontiguousarray(weights_of(node, layer.weights))
            if scales is Scales.FLOAT:
                shape = [1] * weights.ndim
                shape[filter_axis(node)] = -1
                steps = layer.steps.reshape(shape)
            else:
                steps = np.array(layer.steps[0])
            inputs = [_quantizer(model, nodes, node, "weight", weights, steps, layer.width, narrow=layer.width == 2)]
            inputs.append(_bias(model, nodes, node, layer, min(grids[feed].step for feed in plan.feeds[name]), scales))
            del node.input[1:]
            node.input.extend(inputs)
        nodes.append(node)
    replace_nodes(model, nodes)
    return model


def _bias(model: IndexedModel, nodes: list[NodeProto], node: NodeProto, layer: FittedFilters, data_step: float,
          scales: Scales) -> str:
    if scales is Scales.FLOAT:
        name = f"{node.output[0]}_bias"
        model.set_initializer(name, layer.biases.astype(np.float32))
        return name
    # On the grid of the products, where adding it costs the accumulator nothing.
    kind = bias_type(layer.biases, -int(np.log2(layer.steps[0] * data_step)))
    return _quantizer(model, nodes, node, "bias", layer.biases, np.array(kind.step), kind.width, narrow=False)


def _quantizer(model: IndexedModel, nodes: list[NodeProto], node: NodeProto, role: str, values: np.ndarray,
               steps: np.ndarray, width: int, *, narrow: bool) -> str:
    """Constants with a quantizer behind them; returns what it writes."""
    result = f"{node.output[0]}_{role}_quantized"
    tensors = {"values": values, "scale": steps, "zero": np.array(0.0), "bits": np.array(float(width))}
    for end, numbers in tensors.items():
        model.set_initializer(f"{result}_{end}", numbers.astype(np.float32))
    nodes.append(helper.make_node(
        "Quant", [f"{result}_{end}" for end in tensors], [result], name=f"{node.name}_{role}_quantizer",
        domain=QUANT_DOMAINS[0], signed=1, narrow=int(narrow), rounding_mode="ROUND"))
    model.set_tensor_shape(result, list(values.shape))
    return result
