"""Explicit Pad nodes move into the convolution or mean behind them."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import attribute, constant, consumers, copy_of, linked, replace_nodes, set_attribute

__all__ = ["absorb_padding"]


def absorb_padding(model: ModelWrapper) -> ModelWrapper:
    """A Pad with zeros, in height and width, in front of nothing but convolutions and means, becomes their ``pads``.

    A mean then counts them, as it did before. Other Pad nodes stay, and the legality check refuses them.
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
        if not readers or not all(_takes_zeros(reader, node) for reader in readers):
            continue
        channels_last = {bool(reader.domain) for reader in readers}
        if len(channels_last) != 1:
            continue
        height, width = (1, 2) if channels_last.pop() else (2, 3)
        moved = [int(pads[axis]) for axis in (height, width, height + 4, width + 4)]
        if sum(moved) != int(pads.sum()):
            continue
        for reader in readers:
            own = attribute(reader, "pads", [0, 0, 0, 0])
            if reader.op_type == "AveragePool":
                set_attribute(reader, "count_include_pad", 1)
            set_attribute(reader, "pads", [a + b for a, b in zip(own, moved, strict=True)])
            reader.input[0] = node.input[0]
        absorbed.add(node.output[0])
    replace_nodes(model, [node for node in model.graph.node if node.output[0] not in absorbed])
    return model


def _takes_zeros(reader: NodeProto, pad: NodeProto) -> bool:
    """Whether a node's own padding can be this one's: a mean must count what it is padded by already."""
    if reader.input[0] != pad.output[0]:
        return False
    return reader.op_type == "Conv" or (reader.op_type == "AveragePool" and bool(
        attribute(reader, "count_include_pad", 0) or not any(attribute(reader, "pads", [0]))))
