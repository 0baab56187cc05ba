"""What upsampling costs: a buffer of two rows."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, LayerCost, buffer_content
from quantunet_hls.ops.upsample.stream import Upsample
from quantunet_hls.targets import Family
from quantunet_hls.targets.memories import Memory

__all__ = ["FACET"]


def _content(layer: Upsample, family: Family) -> Content:
    shape, words = layer.input_shape, layer.shape.channels // layer.lanes
    row = shape.width * words
    return buffer_content(
        Memory(2 * row, layer.lanes * layer.type.width), 1, row,
        (words, layer.factor[1], shape.width, layer.factor[0], shape.height), (shape.height, shape.width), row,
        padded=False)


FACET = LayerCost(_content)
