"""How Yosys maps to a family: what every family's synthesis gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["CellLibrary", "Synthesis"]


@dataclass(frozen=True)
class CellLibrary:
    """What stands in for the library that Yosys's pass would read.

    Attributes:
        files: text by path from the folder that Yosys runs in.
        read: commands that read the cells, in place of the label ``begin``.
        memories: arguments of ``memory_libmap``, to which the limits of a mapping are added.
        maps: commands behind it that make cells of memories; together the label ``map_memory``.
    """

    files: Mapping[str, str]
    read: tuple[str, ...]
    memories: str
    maps: tuple[str, ...]


class Synthesis(Protocol):
    """Yosys's pass for a family, with its options."""

    @property
    def ports(self) -> tuple[str, ...]:
        """Yosys's files of the cells' ports."""

    def library(self, version: str) -> CellLibrary | None:
        """What to read in this version of Yosys instead of its own library; None where that is to be read.

        Raises:
            ToolNotFoundError: Yosys's package, which has the library, is not installed.
        """

    def commands(self, top: str, *, dsp: bool, bram: bool, uram: bool, library: CellLibrary | None) -> list[str]:
        """Yosys's commands that map the module ``top``, which has been read.

        Args:
            dsp: multipliers may become DSP blocks.
            bram: memories may become memory blocks.
            uram: large memories without initial content may become UltraRAM.
            library: what to read instead of Yosys's own library; the netlist is the same.
        """

    def netlist(self, text: str) -> str:
        """What Yosys wrote with this library, as Verilog in which every cell has the parameters that it has."""
