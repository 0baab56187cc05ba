"""Lattice ECP5."""

from __future__ import annotations

from pathlib import Path

from quantunet_hls.targets.cells import CellCount
from quantunet_hls.targets.ecp5.placement import Nextpnr
from quantunet_hls.targets.ecp5.pll import Ehxplll
from quantunet_hls.targets.ecp5.synthesis import Ecp5Synthesis
from quantunet_hls.targets.family import CellModels, Family, Multiplier, Series
from quantunet_hls.targets.lut_parts import LutParts
from quantunet_hls.targets.memories import MemoryCell, MemoryCells

__all__ = ["ECP5"]

#: What a cell of each type takes of a part (FPGA-DS-02012); a carry cell is made of two look-up tables.
_CELLS = {
    **{f"LUT{inputs}": CellCount(lut=1) for inputs in range(1, 5)},
    "INV": CellCount(lut=1),
    "TRELLIS_DPR16X4": CellCount(lut=4, lutram=4),
    "TRELLIS_FF": CellCount(ff=1),
    "CCU2C": CellCount(lut=2, carry=1),
    "MULT18X18D": CellCount(dsp=1),
    "DP16KD": CellCount(bram_18k=1),
}


def _choosers(copies: int) -> int:
    """LUTs that choose a bit from so many: of two by one of four inputs; what joins their outputs is no LUT."""
    return -(-copies // 2)


ECP5 = Family(
    name="ecp5",
    title="ECP5",
    vendor="Lattice",
    series=(Series("ECP5", r"lfe5u(m5g|m)?-\d+f", 20.0),),
    toolchains=("open",),
    # FPGA-TN-02204 and FPGA-DS-02012, with the costs of Yosys 0.70's ``techlibs/lattice/brams_16kd.txt`` and
    # ``lutrams_trellis.txt``.
    memories=MemoryCells(
        (MemoryCell(14, (1, 2, 4, 9, 18, 36), 128, blocks=1, emulated=7),), (MemoryCell(4, (4,), 4, luts=4),),
        1 / 16, _choosers, remembers=True),
    multiplier=Multiplier(18, 18, adder=False),
    lut_costs=LutParts(
        units=1.4, adders=0, accumulators=2.53, digits=1.52, corrections=4.0, products=1.65, tables=0, deep_tables=1.6,
        rounding=1.68, results=1.16, buffers=3.3, addresses=1.1, beats=2.56, fifos=19.4, levels=0,
        requantizers=1.6),
    cells=_CELLS,
    synthesis=Ecp5Synthesis(),
    models=CellModels(("ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh"), (Path(__file__).with_name("ecp5.v"),)),
    place_and_route=Nextpnr(),
    pll=Ehxplll(),
)
