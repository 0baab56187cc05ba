"""Short names that C++, Verilog and Tcl accept, and by which a person still knows the layer."""

from __future__ import annotations

import re

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import IndexedModel, copy_of, only
from quantunet_hls.ops.qonnx.node_kinds import kind_of

__all__ = ["name_nodes"]

#: Names that hls4ml keeps for itself.
_RESERVED = {"input", "image"}
#: Parts of a Brevitas module path that say nothing about which layer it is.
_NOISE = {"act_quant", "activation_impl", "export_handler", "fused_activation_quant_proxy", "node"}
_LONGEST = 40


def name_nodes(model: ModelWrapper) -> tuple[ModelWrapper, dict[str, str]]:
    """Renamed nodes and tensors, and for each new tensor name the old one.

    A node's only output takes the node's name with ``_out`` behind it, the input is ``image``.
    """
    model = copy_of(model)
    renamed: dict[str, str] = {only(model, "input"): "image"}
    taken = dict.fromkeys(_RESERVED, 1)
    for node in model.graph.node:
        name = _unique(_short(node.name, node.op_type), taken)
        node.name = name
        renamed[node.output[0]] = f"{name}_out"
    for node in model.graph.node:
        for index, tensor in enumerate(node.input):
            if tensor and tensor not in renamed:
                renamed[tensor] = _unique(f"{node.name}_{_role(node, index)}", taken)
    for node in model.graph.node:
        for names in (node.input, node.output):
            for index, tensor in enumerate(names):
                names[index] = renamed[tensor]
    for entries in (model.graph.input, model.graph.output, model.graph.value_info, model.graph.initializer):
        for entry in list(entries):
            entry.name = renamed.get(entry.name, entry.name)
    return IndexedModel(model.model), {new: old for old, new in renamed.items()}


def _role(node: NodeProto, index: int) -> str:
    roles = kind_of(node).roles
    return roles[index - 1] if 0 < index <= len(roles) else f"in{index}"


def _short(name: str, op_type: str) -> str:
    parts = [re.sub(r"\W+", "_", part, flags=re.ASCII).strip("_") for part in re.split(r"[/.]", name)]
    parts = [part for part in parts if part and re.sub(r"_\d+$", "", part) not in _NOISE]
    if len(parts) > 1 and parts[-1].lower() == parts[-2].lower():
        parts.pop()
    short = "_".join(parts)[-_LONGEST:].strip("_") or op_type
    return short if short[0].isalpha() else f"{op_type}_{short}"


def _unique(name: str, taken: dict[str, int]) -> str:
    """The name with the lowest number behind it that is free; ``taken`` holds from which number on to look."""
    candidate, count = name, taken.get(name.lower(), 1)
    while candidate.lower() in taken:
        candidate, count = f"{name}_{count}", count + 1
    if candidate != name:
        taken[name.lower()] = count
    taken[candidate.lower()] = 1
    return candidate
