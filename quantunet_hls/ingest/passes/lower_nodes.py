"""Nodes become those that hardware has: chains of two inputs, tables, constants, convolutions of spread images."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import copy_of, replace_nodes
from quantunet_hls.ops.qonnx.node_kinds import kind_of

__all__ = ["lower_nodes"]


def lower_nodes(model: ModelWrapper) -> ModelWrapper:
    """Each node of a legal graph with explicit attributes as what its kind makes of it, in graph order.

    Constants that a node becomes are there for those behind it.
    """
    model = copy_of(model)
    replace_nodes(model, [part for node in model.graph.node for part in kind_of(node).lowered(model, node)])
    return model
