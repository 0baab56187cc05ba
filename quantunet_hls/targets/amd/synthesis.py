"""How ``synth_xilinx`` maps to AMD parts, and what it reads of its library of cells, in a form that is read fast.

``synth_xilinx`` reads 328 black boxes, of which the netlists here have four, and
a map of block RAM that cuts a memory's content into the cells' parameters with
functions, which Yosys interprets statement by statement: 1.5 CPU seconds for
each module, and half as many again for each content. Here are those black boxes
alone, and the same map with every call written out. The netlists are the same,
byte for byte (on the 7-series, and on UltraScale without block RAM, but for the
numbers of helper signals), which a test compares.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from quantunet_hls.core.open_tools import modules_of, yosys_share
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
        return _library(self) if version == _VERSION else None

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


@functools.cache
def _library(chosen: XilinxSynthesis) -> CellLibrary:
    share = yosys_share() / "xilinx"
    maps = ["lutrams_xc5v_map.v", chosen.block_ram, chosen.multipliers, *(["urams_map.v"] if chosen.ultraram else [])]
    texts = {name: (share / name).read_text(encoding="utf-8") for name in (*maps, "brams_defs.vh", "cells_xtra.v")}
    named = {word for name in maps for word in re.findall(r"\w+", texts[name])}
    boxes = [text for name, text in modules_of(texts["cells_xtra.v"]).items() if name in named]
    files = {"boxes.v": "\n".join(boxes), chosen.block_ram: texts[chosen.block_ram],
             "brams_defs.vh": _written_out(texts["brams_defs.vh"])}
    return CellLibrary(
        {f"library/{name}": text for name, text in files.items()},
        ("read_verilog -lib -specify +/xilinx/cells_sim.v", "read_verilog -lib library/boxes.v"),
        chosen.memories,
        ("techmap -map +/xilinx/lutrams_xc5v_map.v", f"techmap -map library/{chosen.block_ram}",
         *(["techmap -map +/xilinx/urams_map.v"] if chosen.ultraram else [])),
    )


def _written_out(definitions: str) -> str:
    """The definitions of the block RAM's parameters with each slice of the content as the bits that it takes.

    A block's word is nine bits, eight of data and one of parity: a data parameter
    has 32 of the former, a parity parameter 256 of the latter.
    """
    def data(call: re.Match[str]) -> str:
        first = int(call[1], 16) * 32
        return _joined(f"INIT[{word * 9 + 7}:{word * 9}]" for word in reversed(range(first, first + 32)))

    def parity(call: re.Match[str]) -> str:
        first = int(call[1], 16) * 256
        return _joined(f"INIT[{word * 9 + 8}]" for word in reversed(range(first, first + 256)))

    return re.sub(r"\bslice_initp\('h([0-9a-fA-F]+)\)", parity,
                  re.sub(r"\bslice_init\('h([0-9a-fA-F]+)\)", data, definitions))


def _joined(parts: Iterable[str]) -> str:
    return "{" + ", ".join(parts) + "}"
