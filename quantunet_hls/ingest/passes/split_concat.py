"""Concatenations of many tensors become chains of two."""

from __future__ import annotations

from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import attribute, copy_of, replace_nodes, shape_of

__all__ = ["split_concat"]


def split_concat(model: ModelWrapper) -> ModelWrapper:
    """Every Concat has two inputs, which is what hls4ml's kernel takes; one with a single input disappears."""
    model = copy_of(model)
    nodes = []
    for node in model.graph.node:
        if node.op_type != "Concat" or len(node.input) <= 2:
            nodes.append(node)
            continue
        axis = attribute(node, "axis") % len(shape_of(model, node.input[0]))
        inputs, left = list(node.input), node.input[0]
        for step, right in enumerate(inputs[1:], 1):
            last = step == len(inputs) - 1
            result = node.output[0] if last else f"{node.output[0]}_part{step}"
            name = node.name if last else f"{node.name}_part{step}"
            nodes.append(helper.make_node("Concat", [left, right], [result], name=name, axis=axis))
            if not last:
                shape = list(shape_of(model, left))
                shape[axis] += shape_of(model, right)[axis]
                model.set_tensor_shape(result, shape, TensorProto.FLOAT)
            left = result
    replace_nodes(model, nodes)
    return model
