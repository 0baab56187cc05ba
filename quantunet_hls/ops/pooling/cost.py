"""What pooling costs: comparators or accumulators, stages, the line buffer."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, LayerCost, fifo_content, stage_registers, staged_content, windows_content
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory

__all__ = ["FACET"]


def _content(layer: Pooling, family: Family) -> Content:
    width = layer.accumulator.width
    parts = LutParts(units=1, results=layer.lanes * width * 2) if layer.operation == "max" else LutParts(
        units=1, accumulators=layer.lanes * width)
    if layer.whole:
        return (Content(parts, (Memory(layer.groups, layer.lanes * width, registered=False),))
                + staged_content(layer.lanes, layer.accumulator, layer.stages, family)
                + fifo_content(3 + stage_registers(layer.stages), layer.lanes * layer.type.width))
    registers = 2 + stage_registers(layer.stages)
    return (windows_content(layer) + Content(parts)
            + staged_content(layer.lanes, layer.accumulator, layer.stages, family)
            + fifo_content(-(-(registers + 1) // layer.window.taps) + 2, layer.lanes * layer.type.width))


FACET = LayerCost(_content)
