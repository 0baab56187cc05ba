"""What a binary search among thresholds costs: for each bit of a level a comparison and a table.

Source
    Fitted for UltraScale+ (Yosys 0.70) to the lanes of ``benchmarks/layer_estimates.py`` (2 to 8 bits, 1 to 128
    channels) and to those of ``benchmarks/requantizers.py``; the former has the errors.
"""

from __future__ import annotations

from collections.abc import Iterator

from quantunet_hls.ops.cost import Content, StageCost, rom_luts
from quantunet_hls.ops.lanes import by_lane
from quantunet_hls.ops.stages.multi_threshold.search import search_of
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory, in_block_rom
from quantunet_hls.types.fixed import FixedType, Integers, bits_for

__all__ = ["FACET"]

#: LUTs of a bit that is compared.
_COMPARED = 0.86


def _content(stage: MultiThreshold, lanes: int, source: FixedType, family: Family) -> Content:
    search = search_of(stage, source)
    luts = _COMPARED * stage.bits * search.kind.width * lanes
    memories: list[Memory] = []
    for table in (table for depth in range(stage.bits) for table in _tables(search.table(depth), lanes)):
        width = bits_for(int(table.min()), int(table.max()))
        if table.min() == table.max():
            continue
        if in_block_rom(table.size, width):
            memories.append(Memory(table.size, width, rom=True))
        else:
            luts += rom_luts(table)
    if stage.low or any(stage.falls):
        luts += stage.bits * lanes
    return Content(LutParts(requantizers=luts), tuple(memories))


def _tables(limits: Integers, lanes: int) -> Iterator[Integers]:
    """For each lane the words of its table, from limits (channels or 1, results)."""
    return (words.T.reshape(-1) for words in by_lane(limits.T.tolist(), lanes))


FACET = StageCost(_content)
