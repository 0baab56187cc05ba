"""What a binary search among thresholds costs: for each bit of a level a comparison and a table.

Source
    UltraScale+ (Yosys 0.70): of the lanes of ``benchmarks/requantizers.py`` (4 bits, 16 channels, 106 to 126 LUTs) the
    sum below is 4 % too few to 14 % too many, for Yosys simplifies tables and comparisons with few bits.
"""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, StageCost
from quantunet_hls.ops.stages.multi_threshold.search import search_of, table_luts
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory, in_block_rom
from quantunet_hls.types.fixed import FixedType, bits_for

__all__ = ["FACET"]


def _content(stage: MultiThreshold, source: FixedType, family: Family) -> Content:
    search = search_of(stage, source)
    luts = search.kind.width + (source.width - search.kind.width) // 2 if search.clipped else 0
    memories: list[Memory] = []
    for depth in range(stage.bits):
        table = search.table(depth)
        width = bits_for(int(table.min()), int(table.max()))
        luts += search.kind.width
        if in_block_rom(table.size, width):
            memories.append(Memory(table.size, width, rom=True))
        elif table.min() < table.max():
            luts += table_luts(table.size, width)
    if stage.low or any(stage.falls):
        luts += stage.bits
    return Content(LutParts(requantizers=luts), tuple(memories))


FACET = StageCost(_content)
