"""What ONNX lets a file say in several ways, said in one."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import copy_of
from quantunet_hls.ops.qonnx.node_kinds import node_kinds

__all__ = ["plain_nodes"]


def plain_nodes(model: ModelWrapper) -> ModelWrapper:
    """Padding and sizes as numbers, scales for sizes: each node in the form that the rules of its kind read.

    Shapes must have been inferred, for what a node means may follow from them.
    """
    model = copy_of(model)
    for node in model.graph.node:
        kind = node_kinds().get(node.op_type)
        if kind is not None and kind.plain is not None and kind.is_of_its_domain(node):
            kind.plain(model, node)
    return model
