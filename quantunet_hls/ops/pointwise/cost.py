"""What stages by themselves cost."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, LayerCost, fifo_content, stage_registers, staged_content
from quantunet_hls.ops.pointwise.stream import Pointwise
from quantunet_hls.targets import Family, LutParts

__all__ = ["FACET"]


def _content(layer: Pointwise, family: Family) -> Content:
    return (Content(LutParts(units=1)) + staged_content(layer.lanes, layer.input_type, layer.stages, family)
            + fifo_content(2 + stage_registers(layer.stages), layer.lanes * layer.type.width))


FACET = LayerCost(_content)
