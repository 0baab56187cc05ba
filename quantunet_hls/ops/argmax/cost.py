"""What the class of each pixel costs: comparisons of values, with their indices."""

from __future__ import annotations

from quantunet_hls.ops.argmax.stream import ArgMax
from quantunet_hls.ops.cost import Content, LayerCost, fifo_content
from quantunet_hls.targets import Family, LutParts

__all__ = ["FACET"]


def _content(layer: ArgMax, family: Family) -> Content:
    index = (layer.input_shape.channels - 1).bit_length()
    compared = layer.simd * (2 * layer.input_type.width + index)
    return Content(LutParts(units=1, results=compared)) + fifo_content(3, layer.type.width)


FACET = LayerCost(_content)
