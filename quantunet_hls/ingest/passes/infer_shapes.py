"""The shape of every tensor, from the input's alone.

qonnx's own inference needs the shapes in front of a custom node to know the one
behind it, and so fails at the second one of a file that states none.
"""

from __future__ import annotations

import copy

import onnx
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, copy_of
from quantunet_hls.ops.qonnx.node_kinds import node_kinds

__all__ = ["infer_shapes"]

_TO_FIRST, _TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def infer_shapes(model: ModelWrapper) -> ModelWrapper:
    """The graph with the shapes that ONNX infers for it; what the file said of them counts for nothing.

    ONNX is shown standard operators in the place of others: a quantizer gives what
    shape it gets, a channels-last node is a channels-first one between Transposes.

    Raises:
        onnx.shape_inference.InferenceError: the nodes contradict each other.
    """
    standard = copy.deepcopy(model.model)
    del standard.graph.value_info[:]
    nodes = [part for node in standard.graph.node for part in _standard(node)]
    del standard.graph.node[:]
    standard.graph.node.extend(nodes)
    for output in standard.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(standard, strict_mode=True, data_prop=True).graph
    model = copy_of(model)
    del model.graph.value_info[:]
    known = {info.name: info for info in (*inferred.value_info, *inferred.output)}
    outputs = {info.name for info in model.graph.output}
    for node in model.graph.node:
        for tensor in node.output:
            if tensor not in known:
                continue
            shape = [dim.dim_value for dim in known[tensor].type.tensor_type.shape.dim]
            kind = known[tensor].type.tensor_type.elem_type or TensorProto.FLOAT
            if tensor in outputs or all(shape):
                model.set_tensor_shape(tensor, shape, kind)
    return model


def _standard(node: NodeProto) -> list[NodeProto]:
    if node.domain in ("", "ai.onnx"):
        return [node]
    if node.domain != CHANNELS_LAST:
        return [helper.make_node("Identity", node.input[:1], node.output[:1], node.name)]
    # A tensor's name and these endings stand for the same tensor, channels first; two readers may both make it.
    source, result = f"{node.input[0]}@{node.output[0]}", f"{node.output[0]}@first"
    inner = NodeProto()
    inner.CopyFrom(node)
    inner.domain = ""
    inner.input[0], inner.output[0] = source, result
    nodes = [helper.make_node("Transpose", [node.input[0]], [source], perm=_TO_FIRST)]
    kind = node_kinds().get(node.op_type)
    for index in kind.kernels if kind is not None else ():
        inner.input[index] = f"{node.input[index]}@{node.output[0]}"
        nodes.append(helper.make_node("Transpose", [node.input[index]], [inner.input[index]], perm=_TO_FIRST))
    return [*nodes, inner, helper.make_node("Transpose", [result], [node.output[0]], perm=_TO_LAST)]
