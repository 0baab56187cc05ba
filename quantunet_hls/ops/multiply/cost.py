"""What products of two streams cost: a multiplier a lane, what is held of the second stream, the stages behind.

Source
    Checked for UltraScale+ (Yosys 0.70) with the layers of ``benchmarks/layer_estimates.py``, which has the errors.
"""

from __future__ import annotations

from quantunet_hls.ops.cost import (
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
    return (Content(LutParts(units=1, products=0 if blocks else layer.lanes * one * other), dsp=layer.lanes * blocks)
            + _held(layer, other) + staged_content(layer.lanes, layer.accumulator, layer.stages, family)
            + fifo_content(4 + stage_registers(layer.stages), layer.lanes * layer.type.width))


def _held(layer: Multiply, bits: int) -> Content:
    """Of what is held of the second stream: counters and, for several beats, a memory or the beat that has come."""
    words, times = layer.factors
    counters = sum((number - 1).bit_length() for number in (words, times))
    if words == 1:
        return Content(LutParts(addresses=2 * counters))
    width = bits * layer.lanes
    return Content(LutParts(addresses=2 * counters, beats=width), (Memory(words, width, registered=False),))


FACET = LayerCost(_content)
