"""What pixels between pixels cost: counters, two lines, and for each lane the adders of its units."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, LayerCost, fifo_content, stage_registers, staged_content
from quantunet_hls.ops.interpolation.stream import Interpolation, units
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory

__all__ = ["FACET"]


def _content(layer: Interpolation, family: Family) -> Content:
    bits, parts = layer.input_type.width, layer.places.parts
    number = len(units(parts))
    counters = sum((count - 1).bit_length() for count in (
        layer.line, layer.line, layer.places.pixels, layer.places.size))
    # The phase is added to and compared; what is held is counted and compared with what is wanted.
    addresses = counters + 2 * parts.bit_length() + 3 * (2 * layer.line).bit_length()
    # A single adder takes the choice between both lines into its own LUTs.
    choices = layer.lanes * number * bits if number > 2 else 0
    adders = layer.lanes * (number - 1) * (bits + layer.levels)
    return (Content(LutParts(buffers=1, units=1, addresses=addresses, adders=adders, beats=choices),
                    (Memory(layer.kept * layer.line, layer.lanes * bits),) * 2)
            + staged_content(layer.lanes, layer.accumulator, layer.stages, family)
            + fifo_content(2 + layer.levels + stage_registers(layer.stages), layer.lanes * layer.type.width))


FACET = LayerCost(_content)
