"""Explicit Pad nodes move into the windows behind them."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import attribute, constant, consumers, copy_of, linked, replace_nodes
from quantunet_hls.ops.qonnx.node_kinds import node_kinds

__all__ = ["absorb_padding"]


def absorb_padding(model: ModelWrapper) -> ModelWrapper:
    """A Pad with zeros, in height and width, in front of nothing but nodes that take them, becomes their own padding.

    Other Pad nodes stay, and the legality check refuses them.
    """
    model = copy_of(model)
    # Who reads what a Pad writes stays true while they take it in: they then read what it reads.
    links = linked(model)
    absorbed: set[str] = set()
    for node in model.graph.node:
        if node.op_type != "Pad" or attribute(node, "mode", "constant") != "constant" or not 2 <= len(node.input) <= 3:
            continue
        pads = constant(model, node.input[1])
        value = constant(model, node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(1)
        readers = consumers(links, node.output[0])
        if pads is None or value is None or pads.size != 8 or np.any(value) or np.any(pads < 0):
            continue
        channels_last = {bool(reader.domain) for reader in readers}
        if len(channels_last) != 1:
            continue
        height, width = (1, 2) if channels_last.pop() else (2, 3)
        moved = [int(pads[axis]) for axis in (height, width, height + 4, width + 4)]
        padded = [_padded(reader, node, moved) for reader in readers]
        if sum(moved) != int(pads.sum()) or None in padded:
            continue
        for reader, with_zeros in zip(readers, padded, strict=True):
            reader.CopyFrom(with_zeros)
            reader.input[0] = node.input[0]
        absorbed.add(node.output[0])
    replace_nodes(model, [node for node in model.graph.node if node.output[0] not in absorbed])
    return model


def _padded(reader: NodeProto, pad: NodeProto, zeros: list[int]) -> NodeProto | None:
    """The reader with the zeros as its own padding, None where it can't take them."""
    kind = node_kinds().get(reader.op_type)
    if kind is None or kind.with_padding is None or reader.input[0] != pad.output[0]:
        return None
    return kind.with_padding(reader, zeros)
