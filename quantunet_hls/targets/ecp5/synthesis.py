"""How ``synth_ecp5`` maps."""

from __future__ import annotations

from dataclasses import dataclass

from quantunet_hls.targets.synthesis import CellLibrary

__all__ = ["CELL_PORTS", "Ecp5Synthesis"]

#: Yosys's files of the family's cells and their ports.
CELL_PORTS = ("+/ecp5/cells_sim.v", "+/ecp5/cells_bb.v")


@dataclass(frozen=True)
class Ecp5Synthesis:
    """``synth_ecp5``; it reads its own library, and there is no UltraRAM."""

    @property
    def ports(self) -> tuple[str, ...]:
        """Yosys's files of the cells' ports."""
        return CELL_PORTS

    def library(self, version: str) -> CellLibrary | None:
        """None: Yosys's own library is read."""
        return None

    def commands(self, top: str, *, dsp: bool, bram: bool, uram: bool, library: CellLibrary | None) -> list[str]:
        """Yosys's commands, as of :meth:`quantunet_hls.targets.synthesis.Synthesis.commands`."""
        flags = [flag for flag, wanted in (("-nodsp", not dsp), ("-nobram", not bram)) if wanted]
        return [" ".join(["synth_ecp5", *flags, "-top", top])]

    def netlist(self, text: str) -> str:
        """As Yosys wrote it."""
        return text
