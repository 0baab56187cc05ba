"""What ONNX lets a file say in several ways, said in one."""

from __future__ import annotations

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import copy_of, replace_nodes
from quantunet_hls.ops.qonnx.node_kinds import node_kinds

__all__ = ["plain_nodes"]


def plain_nodes(model: ModelWrapper) -> ModelWrapper:
    """Padding and sizes as numbers, scales for sizes: each node in the form that the rules of its kind read.

    What is short for several nodes becomes these. Shapes must have been inferred, for what a node means may follow
    from them.
    """
    model = copy_of(model)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        kind = node_kinds().get(node.op_type)
        if kind is None or not kind.is_of_its_domain(node):
            nodes.append(node)
            continue
        if kind.plain is not None:
            kind.plain(model, node)
        if kind.stands_for is None or any(rule(model, node) is not None for rule in kind.rules):
            nodes.append(node)
        else:
            nodes += kind.stands_for(model, node)
    replace_nodes(model, nodes)
    return model
