"""AMD's 7 series."""

from __future__ import annotations

from pathlib import Path

from quantunet_hls.targets import amd
from quantunet_hls.targets.amd.synthesis import XilinxSynthesis
from quantunet_hls.targets.family import CellModels, Delays, Family, Multiplier, Series
from quantunet_hls.targets.memories import MemoryCell, MemoryCells

__all__ = ["XC7"]

#: LUTs as memory, of 32 and of 64 words (UG474), with the costs of Yosys 0.70's ``techlibs/xilinx/lutrams_xc5v.txt``.
_LUTS = (MemoryCell(5, (6,), 8, luts=4, scaled=7), MemoryCell(6, (3,), 8, luts=4, scaled=7))

#: Yosys's own steps for DSP48E1 but its ``xilinx_dsp``. That pass packs the adder behind a product
#: as well and then extends the product by zeros where its sign belongs (0.60 to 0.70 at least),
#: which the simulation of the netlist shows.
_MULTIPLIERS_ONLY = (
    "memory_dff",
    "alumacc -macc-only",
    "maccmap -unmap",
    "opt_clean",
    "techmap -map +/mul2dsp.v -map +/xilinx/xc7_dsp_map.v -D DSP_A_MAXWIDTH=25 -D DSP_B_MAXWIDTH=18 "
    "-D DSP_A_MAXWIDTH_PARTIAL=18 -D DSP_A_MINWIDTH=2 -D DSP_B_MINWIDTH=2 -D DSP_Y_MINWIDTH=9 -D DSP_SIGNEDONLY=1 "
    "-D DSP_NAME=$__MUL25X18",
    "select a:mul2dsp",
    "setattr -unset mul2dsp",
    "opt_expr -fine",
    "wreduce",
    "select -clear",
    "chtype -set $mul t:$__soft_mul",
)

XC7 = Family(
    name="xc7",
    title="7-series",
    vendor="AMD",
    series=(
        Series("Zynq-7000", r"xc7z\d+s?", 10.0),
        Series("Artix-7", r"xc7a\d+t", 10.0),
        Series("Kintex-7", r"xc7k\d+t", 10.0),
        Series("Virtex-7", r"xc7v[xh]?\d+t", 10.0),
        Series("Spartan-7", r"xc7s\d+", 10.0),
    ),
    toolchains=amd.TOOLCHAINS,
    memories=MemoryCells(amd.BLOCKS, _LUTS, amd.ROM_BIT, amd.choosers),
    # DSP48E1 (UG479).
    multiplier=Multiplier(25, 18, adder=True),
    lut_costs=amd.LUT_COSTS,
    cells=amd.CELLS,
    synthesis=XilinxSynthesis(
        "xc7", "-logic-cost-rom 0.015625 -lib +/xilinx/lutrams_xc5v.txt -lib +/xilinx/brams_xc4v.txt "
        "-D HAS_SIZE_36 -D HAS_CASCADE -D HAS_CONFLICT_BUG -D HAS_MIXWIDTH_SDP",
        "brams_xc6v_map.v", "xc7_dsp_map.v", own_multipliers=_MULTIPLIERS_ONLY),
    models=CellModels(amd.YOSYS_MODELS, (Path(__file__).with_name("series7.v"), amd.BLOCK_RAM_MODEL)),
    delays=Delays(amd.DELAYS, "logic only, no routing"),
)
