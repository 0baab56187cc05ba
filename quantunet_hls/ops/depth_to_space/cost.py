"""What pixels out of channels cost: a buffer of two rows."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, LayerCost, buffer_content
from quantunet_hls.ops.depth_to_space.stream import DepthToSpace
from quantunet_hls.targets import Family
from quantunet_hls.targets.memories import Memory

__all__ = ["FACET"]


def _content(layer: DepthToSpace, family: Family) -> Content:
    shape, words = layer.input_shape, layer.input_shape.channels // layer.lanes
    row, block = shape.width * words, layer.block
    return buffer_content(
        Memory(2 * row, layer.lanes * layer.type.width), 1, row,
        (words // block**2, block, shape.width, block, shape.height), (shape.height, shape.width), row, padded=False)


FACET = LayerCost(_content)
