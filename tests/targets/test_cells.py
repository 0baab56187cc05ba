from quantunet_hls.targets import CellCount, count_cells
from quantunet_hls.targets.ecp5 import ECP5
from quantunet_hls.targets.xcup import XCUP


def test_cells_are_counted_as_the_catalogue_counts_them():
    cells = {"LUT6": 3, "INV": 1, "RAM32M16": 2, "SRL16E": 4, "FDRE": 5, "FDSE": 1, "RAMB36E2": 2, "RAMB18E2": 1,
             "DSP48E2": 6, "CARRY4": 7, "URAM288": 1, "MUXF7": 9}
    assert count_cells(cells, XCUP.cells) == CellCount(lut=24, ff=6, carry=7, dsp=6, bram_18k=5, uram=1, lutram=20)
    lattice = {"LUT4": 10, "CCU2C": 3, "TRELLIS_DPR16X4": 2, "TRELLIS_FF": 8, "MULT18X18D": 1, "DP16KD": 2}
    assert count_cells(lattice, ECP5.cells) == CellCount(lut=24, ff=8, carry=3, dsp=1, bram_18k=2, lutram=8)
