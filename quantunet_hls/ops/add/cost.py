"""What sums of two streams cost: an adder a lane, and the stages behind it."""

from __future__ import annotations

from quantunet_hls.ops.add.stream import Add
from quantunet_hls.ops.cost import Content, LayerCost, fifo_content, stage_registers, staged_content
from quantunet_hls.targets import Family, LutParts

__all__ = ["FACET"]


def _content(layer: Add, family: Family) -> Content:
    return (Content(LutParts(units=1, accumulators=layer.lanes * layer.accumulator.width))
            + staged_content(layer.lanes, layer.accumulator, layer.stages, family)
            + fifo_content(2 + stage_registers(layer.stages), layer.lanes * layer.type.width))


FACET = LayerCost(_content)
