"""What stands between two quantizers and works value by value becomes one table, or behind sums one curve."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import QUANT_OPS, copy_of, is_constant, linked, replace_nodes
from quantunet_hls.ops.qonnx.node_kinds import OWN
from quantunet_hls.ops.stages.table.onnx import behind_sums, between_quantizers

__all__ = ["tabulate"]


def tabulate(model: ModelWrapper) -> ModelWrapper:
    """Each quantizer of a function that only a table computes as that table, or a curve; nodes that nobody reads go.

    Where such a function can be neither its nodes stay, and the legality check says why.
    """
    model = copy_of(model)
    for node in model.graph.node:
        if node.domain == OWN:
            node.domain = ""  # a file's node is none of this package's, whatever it says
    links = linked(model)
    kept = []
    for node in model.graph.node:
        table = between_quantizers(links, node) or behind_sums(links, node) if (
            node.op_type in QUANT_OPS and not is_constant(model, node.input[0])) else None
        kept.append(node if table is None else table)
    outputs = {tensor.name for tensor in model.graph.output}
    # What nobody read before is a matter of the legality check.
    idle = {name for node in model.graph.node for name in node.output if not links.find_consumers(name)}
    read, needed = outputs | idle, []
    for node in reversed(kept):
        if not read.isdisjoint(node.output):
            needed.append(node)
            read.update(node.input)
    replace_nodes(model, reversed(needed))
    return model
