"""What a mapping to AMD parts reads of Yosys's library of cells, in a form that Yosys reads fast.

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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from quantunet_hls.core.open_tools import modules_of, yosys_share

__all__ = ["CellLibrary", "xilinx_library"]

#: The Yosys whose ``synth_xilinx`` is repeated here.
_VERSION = "0.70"


@dataclass(frozen=True)
class _Family:
    """What ``synth_xilinx`` says to ``memory_libmap`` for a family, and the maps of block RAM and multipliers."""

    memories: str
    block_ram: str
    multipliers: str
    ultraram: bool = False


_ULTRASCALE = ("-logic-cost-rom 0.015625 -lib +/xilinx/lutrams_xcu.txt -lib +/xilinx/brams_xc4v.txt -D HAS_SIZE_36 "
               "-D HAS_MIXWIDTH_SDP -D HAS_ADDRCE")
_FAMILIES = {
    "xcup": _Family(f"{_ULTRASCALE} -lib +/xilinx/urams.txt", "brams_xcu_map.v", "xcu_dsp_map.v", ultraram=True),
    "xcu": _Family(_ULTRASCALE, "brams_xcu_map.v", "xcu_dsp_map.v"),
    "xc7": _Family("-logic-cost-rom 0.015625 -lib +/xilinx/lutrams_xc5v.txt -lib +/xilinx/brams_xc4v.txt "
                   "-D HAS_SIZE_36 -D HAS_CASCADE -D HAS_CONFLICT_BUG -D HAS_MIXWIDTH_SDP",
                   "brams_xc6v_map.v", "xc7_dsp_map.v"),
}


@dataclass(frozen=True)
class CellLibrary:
    """What stands in for the library that ``synth_xilinx`` reads.

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


@functools.cache
def xilinx_library(family: str, version: str) -> CellLibrary | None:
    """The library for a family; None for one that ``synth_xilinx`` does not map, or another version of Yosys.

    Raises:
        ToolNotFoundError: Yosys's package, which has the library, is not installed.
    """
    if family not in _FAMILIES or version != _VERSION:
        return None
    chosen, share = _FAMILIES[family], yosys_share() / "xilinx"
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
