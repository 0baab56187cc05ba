"""Short names that C++, Verilog and Tcl accept, and by which a person still knows the layer."""

from __future__ import annotations

import re
from typing import NamedTuple

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.names import Names
from quantunet_hls.ops.qonnx.graph import IndexedModel, copy_of, only
from quantunet_hls.ops.qonnx.node_kinds import kind_of

__all__ = ["Named", "name_nodes"]

#: The image's name, and those of what is in a design besides its layers.
_RESERVED = ("image", "input", "top", "board", "axi", "probed")
#: What hls4ml calls layers that it adds to others or puts in their place.
_OF_HLS4ML = r"([a-z]*conv2d|zp2d|clone)_"
#: Parts of a Brevitas module path that say nothing about which layer it is.
_NOISE = {"act_quant", "activation_impl", "export_handler", "fused_activation_quant_proxy", "node"}
#: Characters of a node's name: hls4ml and the RTL put more around it.
_LONGEST = 40


class Named(NamedTuple):
    """A graph under its new names.

    Attributes:
        model: the graph.
        tensors: for each tensor of it, the old name.
        nodes: for each node of it, the old name.
    """

    model: ModelWrapper
    tensors: dict[str, str]
    nodes: dict[str, str]


def name_nodes(model: ModelWrapper) -> Named:
    """Nodes and tensors under names that all tools take; see :mod:`quantunet_hls.core.names`.

    A node's only output takes the node's name with ``_out`` behind it, the input is ``image``.
    """
    model = copy_of(model)
    renamed: dict[str, str] = {only(model, "input"): "image"}
    names = Names(_LONGEST, _RESERVED, _OF_HLS4ML)
    nodes: dict[str, str] = {}
    for node in model.graph.node:
        name = names.take(_telling(node.name), node.op_type, node.name)
        nodes[name], node.name = node.name, name
        renamed[node.output[0]] = f"{name}_out"
    for node in model.graph.node:
        for index, tensor in enumerate(node.input):
            if tensor and tensor not in renamed:
                renamed[tensor] = names.take(f"{node.name}_{_role(node, index)}")
    for node in model.graph.node:
        for tensors in (node.input, node.output):
            for index, tensor in enumerate(tensors):
                tensors[index] = renamed[tensor]
    for entries in (model.graph.input, model.graph.output, model.graph.value_info, model.graph.initializer):
        for entry in list(entries):
            entry.name = renamed.get(entry.name, entry.name)
    return Named(IndexedModel(model.model), {new: old for old, new in renamed.items()}, nodes)


def _role(node: NodeProto, index: int) -> str:
    roles = kind_of(node).roles
    return roles[index - 1] if 0 < index <= len(roles) else f"in{index}"


def _telling(name: str) -> str:
    """What of a node's path tells it from others."""
    parts = [re.sub(r"\W+", "_", part, flags=re.ASCII).strip("_") for part in re.split(r"[/.]", name)]
    parts = [part for part in parts if part and re.sub(r"_\d+$", "", part) not in _NOISE]
    if len(parts) > 1 and parts[-1].lower() == parts[-2].lower():
        parts.pop()
    return "_".join(parts)
