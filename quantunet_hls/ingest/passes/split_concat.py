"""Concatenations of many tensors become chains of two."""

from __future__ import annotations

from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ingest.graph import attribute, copy_of, shape_of

__all__ = ["split_concat"]


def split_concat(model: ModelWrapper) -> ModelWrapper:
    """Every Concat has two inputs, which is what hls4ml's kernel takes; one with a single input disappears."""
    model = copy_of(model)
    for node in [node for node in model.graph.node if node.op_type == "Concat" and len(node.input) > 2]:
        axis = attribute(node, "axis") % len(shape_of(model, node.input[0]))
        position = list(model.graph.node).index(node)
        inputs, left = list(node.input), node.input[0]
        chain = []
        for step, right in enumerate(inputs[1:], 1):
            last = step == len(inputs) - 1
            result = node.output[0] if last else f"{node.output[0]}_part{step}"
            name = node.name if last else f"{node.name}_part{step}"
            chain.append(helper.make_node("Concat", [left, right], [result], name=name, axis=axis))
            if not last:
                shape = list(shape_of(model, left))
                shape[axis] += shape_of(model, right)[axis]
                model.set_tensor_shape(result, shape, TensorProto.FLOAT)
            left = result
        model.graph.node.remove(node)
        for offset, part in enumerate(chain):
            model.graph.node.insert(position + offset, part)
    return model
