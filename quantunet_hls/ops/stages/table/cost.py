"""What a table costs: a ROM a lane.

Source
    UltraScale+ (Yosys 0.70): the lanes of ``benchmarks/layer_estimates.py`` (4 to 10 bits), which has the errors; in
    blocks what is asked for in blocks.
"""

from __future__ import annotations

import numpy as np

from quantunet_hls.ops.cost import Content, StageCost, each_lane, rom_luts
from quantunet_hls.ops.stages.table.stage import Table
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory, in_block_rom
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _content(stage: Table, source: FixedType, family: Family) -> Content:
    words, width = np.array(stage.by_bits), stage.type.width
    if in_block_rom(len(words), width):
        return Content(LutParts(), (Memory(len(words), width, rom=True),))
    return Content(LutParts(requantizers=rom_luts(words)))


FACET: StageCost[Table] = each_lane(_content)
