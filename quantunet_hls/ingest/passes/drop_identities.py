"""Nodes that compute nothing at inference time."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ingest.graph import copy_of

__all__ = ["drop_identities"]

_NOTHING = ("Identity", "Dropout")


def drop_identities(model: ModelWrapper) -> ModelWrapper:
    """Without Identity and Dropout; a graph output that one of them wrote keeps its name."""
    model = copy_of(model)
    graph = model.graph
    outputs = {tensor.name for tensor in graph.output}
    for node in [node for node in graph.node if node.op_type in _NOTHING]:
        source, target = node.input[0], node.output[0]
        producer = model.find_producer(source)
        if target in outputs:
            if producer is None:
                continue
            _rename(model, source, target)
        else:
            _rename(model, target, source)
        graph.node.remove(node)
    return model


def _rename(model: ModelWrapper, old: str, new: str) -> None:
    for node in model.graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new
    for info in [info for info in model.graph.value_info if info.name == old]:
        model.graph.value_info.remove(info)
