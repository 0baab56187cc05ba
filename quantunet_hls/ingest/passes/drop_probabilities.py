"""What makes probabilities of scores at the end of a network of which only the classes are asked for goes."""

from __future__ import annotations

from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.channels import channel_axis
from quantunet_hls.ops.qonnx.graph import (
    QUANT_OPS,
    attribute,
    consumers,
    copy_of,
    needed_for,
    only,
    replace_nodes,
    shape_of,
)
from quantunet_hls.ops.qonnx.node_kinds import STANDARD, TRANSPOSE, kind_of, node_kinds
from quantunet_hls.ops.qonnx.refused import PROBABILITIES

__all__ = ["drop_probabilities"]


def drop_probabilities(model: ModelWrapper) -> ModelWrapper:
    """Without a softmax over the channels or the sigmoid of a single one at its end.

    The largest probability is that of the largest score, and a sigmoid is above one half where its score is above 0.
    A quantizer behind the sigmoid goes with it; one behind a softmax would make equal what was not.
    """
    model = copy_of(model)
    result = only(model, "output")
    node = model.find_producer(result)
    behind: list[NodeProto] = []
    while node is not None and (node.op_type == TRANSPOSE.op_type or node.op_type in QUANT_OPS):
        behind.append(node)
        node = model.find_producer(node.input[0])
    if node is None or not _is_probability(model, node, quantized=any(each.op_type in QUANT_OPS for each in behind)):
        return model
    scores = str(node.input[0])
    for each in reversed(behind):
        if each.op_type == TRANSPOSE.op_type:
            if len(consumers(model, each.input[0])) > 1:
                return model
            each.input[0], scores = scores, str(each.output[0])
    replace_nodes(model, needed_for(model.graph.node, [scores]))
    if scores != result:
        shape = shape_of(model, scores)
        del model.graph.output[:]
        model.graph.output.append(helper.make_tensor_value_info(scores, TensorProto.FLOAT, shape))
    return model


def _is_probability(model: ModelWrapper, node: NodeProto, *, quantized: bool) -> bool:
    shape, axis = shape_of(model, node.input[0]), channel_axis(model, node)
    if len(shape) != 4 or model.find_producer(node.input[0]) is None or node.domain not in STANDARD:
        return False
    if node.op_type in PROBABILITIES:
        return not quantized and shape[axis] > 1 and attribute(node, "axis", -1) % 4 == axis
    return node.op_type in node_kinds() and kind_of(node).gate(node) and shape[axis] == 1
