"""How ``synth_xilinx`` maps to AMD parts.

The netlists are the same, byte for byte (on the 7-series, and on UltraScale without block RAM, but for the numbers of
helper signals), with Yosys's own library and with that of :mod:`quantunet_hls.targets.amd.library`, which a test
compares.
"""

from __future__ import annotations

from dataclasses import dataclass

from quantunet_hls.targets.amd.library import cell_library, with_block_contents
from quantunet_hls.targets.synthesis import CellLibrary

__all__ = ["CELL_PORTS", "XilinxSynthesis"]

#: Yosys's files of the cells' ports.
CELL_PORTS = ("+/xilinx/cells_sim.v", "+/xilinx/cells_xtra.v")

#: The Yosys whose ``synth_xilinx`` is repeated here.
_VERSION = "0.70"


@dataclass(frozen=True)
class XilinxSynthesis:
    """``synth_xilinx`` for a family.

    Attributes:
        family: Yosys's name of it.
        memories: what the pass says to ``memory_libmap``.
        block_ram: its map of block RAM.
        multipliers: its map of multipliers.
        ultraram: whether it knows UltraRAM.
        own_multipliers: steps in place of its own that make DSP blocks, where there are some.
    """

    family: str
    memories: str
    block_ram: str
    multipliers: str
    ultraram: bool = False
    own_multipliers: tuple[str, ...] = ()

    @property
    def ports(self) -> tuple[str, ...]:
        """Yosys's files of the cells' ports."""
        return CELL_PORTS

    def library(self, version: str) -> CellLibrary | None:
        """What to read instead of Yosys's own library; None for another version than the one that it is of.

        Raises:
            ToolNotFoundError: Yosys's package, which has the library, is not installed.
        """
        if version != _VERSION:
            return None
        return cell_library(self.memories, self.block_ram, self.multipliers, ultraram=self.ultraram)

    def commands(self, top: str, *, dsp: bool, bram: bool, uram: bool, library: CellLibrary | None) -> list[str]:
        """Yosys's commands, as of :meth:`quantunet_hls.targets.synthesis.Synthesis.commands`."""
        command = " ".join([
            "synth_xilinx", "-family", self.family, "-flatten", "-noiopad", "-noclkbuf",
            *(flag for flag, wanted in (("-uram", uram), ("-nodsp", not dsp), ("-nobram", not bram)) if wanted),
            "-top", top])
        multipliers = self.own_multipliers if dsp else ()
        if library is None:
            if not multipliers:
                return [command]
            return [f"{command} -run begin:map_dsp", *multipliers, f"{command} -run coarse:"]
        limits = [limit for limit, wanted in (("-no-auto-block", not bram), ("-no-auto-huge", not uram)) if wanted]
        return [
            *library.read,
            f"hierarchy -check -top {top}",
            *([f"{command} -run prepare:map_dsp", *multipliers, f"{command} -run coarse:map_memory"] if multipliers
              else [f"{command} -run prepare:map_memory"]),
            " ".join(["memory_libmap", library.memories, *limits]),
            *library.maps,
            f"{command} -run map_ffram:",
        ]

    def netlist(self, text: str) -> str:
        """A netlist for any Verilog tool, as of :meth:`quantunet_hls.targets.synthesis.Synthesis.netlist`."""
        return with_block_contents(text)
