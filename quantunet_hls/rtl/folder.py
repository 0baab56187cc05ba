"""Where what is made of one design's streaming RTL lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["RtlFolder"]


@dataclass(frozen=True)
class RtlFolder:
    """All that is made of the streaming RTL.

    Attributes:
        folder: that holds it.
    """

    folder: Path

    @property
    def verilog(self) -> Path:
        """Folder of the Verilog files."""
        return self.folder / "verilog"

    @property
    def simulation(self) -> Path:
        """Folder of the simulation program."""
        return self.folder / "simulation"

    @property
    def layers(self) -> Path:
        """Folder of what the layers gave that were simulated by themselves."""
        return self.folder / "layers"

    @property
    def weights(self) -> Path:
        """Where weights are loaded at start-up, their file."""
        return self.folder / "weights.bin"

    @property
    def memory(self) -> Path:
        """Where weights are streamed, what has to be in external memory."""
        return self.folder / "memory.bin"

    @property
    def mapped(self) -> Path:
        """Folder of the mapped modules."""
        return self.folder / "mapped"

    @property
    def netlist(self) -> Path:
        """Folder of what simulates them."""
        return self.folder / "netlist"

    @property
    def ip(self) -> Path:
        """Folder of the packaged IP, for AMD's parts."""
        return self.folder / "ip"

    @property
    def placed(self) -> Path:
        """Folder of the placed and routed design."""
        return self.folder / "placed"

    @property
    def bitstream(self) -> Path:
        """Where there is a bitstream, its file."""
        return self.placed / "design.bit"

    @property
    def host(self) -> Path:
        """Where a whole board was built, the host's program."""
        return self.placed / "host.py"
