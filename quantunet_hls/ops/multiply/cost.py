"""What products of two streams cost: a multiplier a lane, what is held of the second stream, the stages behind."""

from __future__ import annotations

from quantunet_hls.ops.cost import (
    NOTHING,
    Content,
    LayerCost,
    fifo_content,
    product_blocks,
    stage_registers,
    staged_content,
)
from quantunet_hls.ops.multiply.stream import Multiply
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory

__all__ = ["FACET"]


def _content(layer: Multiply, family: Family) -> Content:
    one, other = (kind.width for kind in layer.input_types)
    blocks = product_blocks(one, other, family)
    # Without a block an addition for each bit of the shorter one.
    logic = 0 if blocks else min(one, other) * (max(one, other) + 1)
    words, _ = layer.factors
    held = NOTHING if words == 1 else Content(LutParts(), (Memory(words, other * layer.lanes, registered=False),))
    return (Content(LutParts(units=1, accumulators=layer.lanes * logic), dsp=layer.lanes * blocks) + held
            + staged_content(layer.lanes, layer.accumulator, layer.stages, family)
            + fifo_content(4 + stage_registers(layer.stages), layer.lanes * layer.type.width))


FACET = LayerCost(_content)
