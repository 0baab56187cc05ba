"""The QONNX graph of a planned network with grids for its activations and weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.filters import weights_of
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, IndexedModel, copy_of, replace_nodes, set_attribute
from quantunet_hls.quantize.plan import Plan
from quantunet_hls.tuning.filters import constants_quantizer, with_filters
from quantunet_hls.tuning.grids import Grid, Scales
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
        elif name in layers and scales is Scales.FLOAT:
            nodes.append(with_filters(model, node, layers[name]))
        elif name in layers:
            nodes += _shifted(model, node, layers[name], min(grids[feed].step for feed in plan.feeds[name]))
        nodes.append(node)
    replace_nodes(model, nodes)
    return model


def _shifted(model: IndexedModel, node: NodeProto, layer: FittedFilters, data_step: float) -> list[NodeProto]:
    """Quantizers of its weights, all in one step, and of its biases, for a node that reads data of that step."""
    # On the grid of the products, where adding it costs the accumulator nothing.
    kind = bias_type(layer.biases, -int(np.log2(layer.steps[0] * data_step)))
    quantizers = [
        constants_quantizer(model, node, "weight", np.ascontiguousarray(weights_of(node, layer.weights)),
                            np.array(layer.steps[0]), layer.width, narrow=layer.width == 2),
        constants_quantizer(model, node, "bias", layer.biases, np.array(kind.step), kind.width, narrow=False)]
    del node.input[1:]
    node.input.extend(one.output[0] for one in quantizers)
    return quantizers
