"""What AMD's families share: cells, costs of LUTs, block RAM, delays, and Yosys's pass."""

from __future__ import annotations

from pathlib import Path

from quantunet_hls.targets.cells import CellCount
from quantunet_hls.targets.lut_parts import LutParts
from quantunet_hls.targets.memories import MemoryCell

__all__ = ["BLOCKS", "BLOCK_RAM_MODEL", "CELLS", "DELAYS", "LUT_COSTS", "ROM_BIT", "TOOLCHAINS", "YOSYS_MODELS",
           "choosers"]

_FOLDER = Path(__file__).parent

TOOLCHAINS = ("vitis", "vivado", "open")

#: LUTs that one memory or shift-register cell takes (UG574, UG474).
_MEMORY_LUTS = {
    "RAM16X1D": 2, "RAM32X1D": 2, "RAM32X1S": 1, "RAM64X1D": 2, "RAM64X1S": 1, "RAM64X8SW": 8, "RAM128X1D": 4,
    "RAM128X1S": 2, "RAM256X1D": 8, "RAM256X1S": 4, "RAM512X1S": 8, "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8,
    "RAM64M8": 8, "SRL16E": 1, "SRLC16E": 1, "SRLC32E": 1,
}

#: What a cell of each type takes of a part.
CELLS = {
    **{name: CellCount(lut=luts, lutram=luts) for name, luts in _MEMORY_LUTS.items()},
    **{f"LUT{inputs}": CellCount(lut=1) for inputs in range(1, 7)},
    "INV": CellCount(lut=1),
    **{f"FD{kind}E{edge}": CellCount(ff=1) for kind in "RSCP" for edge in ("", "_1")},
    **dict.fromkeys(("CARRY4", "CARRY8"), CellCount(carry=1)),
    **dict.fromkeys(("DSP48E1", "DSP48E2"), CellCount(dsp=1)),
    **dict.fromkeys(("RAMB18E1", "RAMB18E2"), CellCount(bram_18k=1)),
    **dict.fromkeys(("RAMB36E1", "RAMB36E2"), CellCount(bram_18k=2)),
    **dict.fromkeys(("URAM288", "URAM288_BASE"), CellCount(uram=1)),
}

#: Fitted to UltraScale+ modules (:mod:`quantunet_hls.ops.cost`); the other families' LUTs cost the same.
LUT_COSTS = LutParts(
    units=5.8, adders=0.55, accumulators=0.47, digits=0.84, corrections=0.95, products=1.28, tables=2.0,
    deep_tables=1.15, rounding=1.66, results=1.59, buffers=28.3, addresses=0.39, beats=1.28, fifos=7.9, levels=0.64,
    requantizers=1.0)

#: Blocks of 18 and of 36 kbit (UG573, UG473), with the costs of Yosys 0.70's ``techlibs/xilinx/brams_xc4v.txt``.
BLOCKS = (MemoryCell(14, (1, 2, 4, 9, 18, 36), 129, blocks=1), MemoryCell(15, (1, 2, 4, 9, 18, 36, 72), 257, blocks=2))

#: What a ROM's bit costs that is made of logic: a LUT has 64.
ROM_BIT = 1 / 64

#: Yosys's models of the cells, in its share folder, and what this package's own ones include.
YOSYS_MODELS = ("xilinx/cells_sim.v",)
BLOCK_RAM_MODEL = _FOLDER / "block_ram.vh"

#: Delays of the 7 series; Yosys has none of the others.
DELAYS = _FOLDER / "delays.json"


def choosers(copies: int) -> int:
    """LUTs that choose a bit from so many: of four by one of six inputs; what joins their outputs is no LUT."""
    return -(-(copies - 1) // 3)
