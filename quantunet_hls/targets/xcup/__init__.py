"""AMD UltraScale+."""

from __future__ import annotations

from pathlib import Path

from quantunet_hls.targets import amd
from quantunet_hls.targets.amd.synthesis import XilinxSynthesis
from quantunet_hls.targets.family import CellModels, Delays, Family, Multiplier, Series
from quantunet_hls.targets.memories import MemoryCell, MemoryCells

__all__ = ["MEMORY_OPTIONS", "XCUP"]

#: Of ``synth_xilinx`` for UltraScale and UltraScale+ to ``memory_libmap``.
MEMORY_OPTIONS = ("-logic-cost-rom 0.015625 -lib +/xilinx/lutrams_xcu.txt -lib +/xilinx/brams_xc4v.txt "
                  "-D HAS_SIZE_36 -D HAS_MIXWIDTH_SDP -D HAS_ADDRCE")

#: LUTs as memory, of 32 and of 64 words (UG574), with the costs of Yosys 0.70's ``techlibs/xilinx/lutrams_xcu.txt``.
_LUTS = (MemoryCell(5, (14,), 16, luts=8, scaled=16), MemoryCell(6, (7,), 16, luts=8, scaled=16))

XCUP = Family(
    name="xcup",
    title="UltraScale+",
    vendor="AMD",
    series=(
        Series("Zynq UltraScale+", r"xczu\d+(cg|eg|ev|dr)", 5.0),
        Series("Kria (Zynq UltraScale+)", r"xck2\d", 5.0),
        Series("Artix UltraScale+", r"xcau\d+p", 5.0),
        Series("Kintex UltraScale+", r"xcku\d+p", 5.0),
        Series("Virtex UltraScale+", r"xcvu\d+p", 4.0),
        Series("Alveo (Virtex UltraScale+)", r"xcu\d+[nc]?", 4.0),
    ),
    toolchains=amd.TOOLCHAINS,
    memories=MemoryCells(amd.BLOCKS, _LUTS, amd.ROM_BIT, amd.choosers),
    # DSP48E2 (UG579).
    multiplier=Multiplier(27, 18, adder=True),
    lut_costs=amd.LUT_COSTS,
    cells=amd.CELLS,
    synthesis=XilinxSynthesis("xcup", f"{MEMORY_OPTIONS} -lib +/xilinx/urams.txt", "brams_xcu_map.v",
                              "xcu_dsp_map.v", ultraram=True),
    models=CellModels(amd.YOSYS_MODELS, (Path(__file__).with_name("ultrascale.v"), amd.BLOCK_RAM_MODEL)),
    delays=Delays(amd.DELAYS, "logic only, 7-series delays, no routing"),
)
