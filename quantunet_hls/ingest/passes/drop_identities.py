"""Nodes that change nothing at inference time go."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import copy_of, replace_nodes
from quantunet_hls.ops.qonnx.neutral import unchanged_input

__all__ = ["drop_identities"]


def drop_identities(model: ModelWrapper) -> ModelWrapper:
    """Without nodes whose result is their input; a graph output that one of them wrote keeps its name.

    Shapes must have been inferred.
    """
    model = copy_of(model)
    graph = model.graph
    outputs = {tensor.name for tensor in graph.output}
    read = {name for node in graph.node for name in node.input}
    written = {name for node in graph.node for name in node.output}
    renamed: dict[str, str] = {}
    kept = []
    for node in graph.node:
        target, unchanged = node.output[0], unchanged_input(model, node)
        source = "" if unchanged is None else renamed.get(unchanged, unchanged)
        at_both_ends = target in outputs and source not in written
        if unchanged is None or at_both_ends or not read.isdisjoint(node.output[1:]):
            kept.append(node)
        elif target in outputs:
            # What was renamed to the source until now is renamed to the output, as is the source itself.
            renamed |= {old: target for old, new in renamed.items() if new == source} | {source: target}
            written.add(target)
        else:
            renamed[target] = source
    for node in kept:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = renamed.get(name, name)
    replace_nodes(model, kept)
    for index in reversed([index for index, info in enumerate(graph.value_info) if info.name in renamed]):
        del graph.value_info[index]
    return model
