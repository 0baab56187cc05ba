"""Where the channels of images lie, before the layouts of the whole graph are known."""

from __future__ import annotations

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute
from quantunet_hls.ops.qonnx.node_kinds import TRANSPOSE, node_kinds

__all__ = ["channel_axis"]


def channel_axis(model: ModelWrapper, node: NodeProto) -> int:
    """On which axis the channels of what a node reads lie, by the layer before it that knows; else axis 1."""
    order = [0, 1, 2, 3]
    source = model.find_producer(node.input[0])
    while source is not None:
        if source.domain == CHANNELS_LAST:
            return order.index(3)
        if source.op_type == TRANSPOSE.op_type and len(order) == len(attribute(source, "perm", order)):
            order = [attribute(source, "perm", [3, 2, 1, 0])[axis] for axis in order]
        elif (kind := node_kinds().get(source.op_type)) is not None and kind.spatial:
            break
        source = model.find_producer(source.input[0])
    return order.index(1)
