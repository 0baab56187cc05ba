"""AMD's part of Yosys's library of cells, in a form that is read fast and makes the same netlists.

``synth_xilinx`` reads 328 black boxes, of which the netlists here have four, and
maps of memories that cut their contents into the cells' parameters with
functions, which Yosys interprets statement by statement: for each module, and
once more for each content. Here are those black boxes alone. Of LUT memories
every call is written out. A memory block keeps its content in one parameter,
which no block has, and :func:`with_block_contents` cuts it up in the netlist.
"""

from __future__ import annotations

import functools
import re

from quantunet_hls.core.open_tools import modules_of, yosys_share
from quantunet_hls.targets.synthesis import CellLibrary

__all__ = ["cell_library", "with_block_contents"]

#: Bits of a word, and of a parameter that holds content, of a memory block.
_WORD, _BITS = 9, 256

_OF_DIGIT = {f"{value:x}": f"{value:04b}" for value in range(16)} | {"x": "xxxx", "z": "zzzz"}
_OF_BITS = {bits: digit for digit, bits in _OF_DIGIT.items()}


@functools.cache
def cell_library(memories: str, block_ram: str, multipliers: str, *, ultraram: bool) -> CellLibrary:
    """The library of a family.

    Args:
        memories: what its pass says to ``memory_libmap``.
        block_ram: Yosys's file that maps its block RAM.
        multipliers: that maps its multipliers.
        ultraram: it has UltraRAM.

    Raises:
        ToolNotFoundError: Yosys's package, which has the library, is not installed.
    """
    share = yosys_share() / "xilinx"
    lut_ram = "lutrams_xc5v_map.v"
    maps = [lut_ram, block_ram, multipliers, *(["urams_map.v"] if ultraram else [])]
    texts = {name: (share / name).read_text(encoding="utf-8")
             for name in (*maps, "brams_defs.vh", "cells_xtra.v", "cells_sim.v")}
    named = {word for name in maps for word in re.findall(r"\w+", texts[name])}
    boxes = "\n".join(text for name, text in modules_of(texts["cells_xtra.v"]).items() if name in named)
    files = {"cells_sim.v": _with_whole_content(texts["cells_sim.v"]), "boxes.v": _with_whole_content(boxes),
             lut_ram: _written_out(texts[lut_ram]), block_ram: texts[block_ram],
             "brams_defs.vh": _in_one_parameter(texts["brams_defs.vh"])}
    return CellLibrary(
        {f"library/{name}": text for name, text in files.items()},
        ("read_verilog -lib -specify library/cells_sim.v", "read_verilog -lib library/boxes.v"),
        memories,
        (f"techmap -map library/{lut_ram}", f"techmap -map library/{block_ram}",
         *(["techmap -map +/xilinx/urams_map.v"] if ultraram else [])),
    )


_FUNCTION = re.compile(r"^function .*?^endfunction\n", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"\binit_slice(2?)\((\w+)\)")
_LABEL = re.compile(r"(\d+): ")

#: The one memory whose number of words is no choice, and its width.
_FIXED = "module $__XILINX_LUTRAM_64X8SW_ "


def _written_out(lut_ram: str) -> str:
    """The map of LUT memories with each slice of a content as the bits that it takes.

    A memory of 2^n words is behind the label n; ``init_slice2`` takes two neighbouring bits of each word.
    """
    lines, address, width = [], 0, "WIDTH"
    for line in _FUNCTION.sub("", lut_ram).splitlines():
        if line.startswith("module "):
            address, width = (6, "8") if line.startswith(_FIXED) else (0, "WIDTH")
        elif label := _LABEL.match(line):
            address = int(label[1])
        lines.append(_CALL.sub(functools.partial(_slice, address, width), line))
    return "\n".join(lines) + "\n"


def _slice(address: int, width: str, call: re.Match[str]) -> str:
    which = f"{call[2]} * 2 +: 2" if call[1] else call[2]
    return "{" + ", ".join(f"INIT[{word} * {width} + {which}]" for word in reversed(range(1 << address))) + "}"


_CONTENT = re.compile(r"(`define PARAMS_INIT(P?)_(\d+)(_U)? )\\\n(?:[^\n]*\\\n)*[^\n]*\n")


def _in_one_parameter(definitions: str) -> str:
    """The definitions of the block RAM's parameters with its content as the one parameter ``INIT``.

    Of a memory of two blocks in a cascade the second one has the upper half.
    """
    def whole_of(found: re.Match[str]) -> str:
        bits = int(found[3]) * 1024
        high, low = (2 * bits - 1, bits) if found[4] else (bits - 1, 0)
        return found[1] + ("" if found[2] else f".INIT(INIT[{high}:{low}]),") + "\n"

    whole = _CONTENT.sub(whole_of, definitions)
    return re.sub(r"^function \[255:0\].*?^endfunction\n", "", whole, flags=re.MULTILINE | re.DOTALL)


def _with_whole_content(cells: str) -> str:
    """Cells of which the blocks of memory have this parameter, too."""
    return re.sub(r"^(module RAMB(?:18|36)E\d\b.*?;\n)", r"\1  parameter INIT = 0;\n", cells,
                  flags=re.MULTILINE | re.DOTALL)


_BLOCK = re.compile(r"^( +)\.INIT\((18432|36864)'([hb])([0-9a-fxz]+)\)", re.MULTILINE)


def with_block_contents(netlist: str) -> str:
    """A netlist with the contents of its memory blocks in the parameters that these have (UG573, UG473).

    A block's word is nine bits, eight of data and one of parity: a data parameter
    has 32 of the former, a parity parameter 256 of the latter.
    """
    return _BLOCK.sub(lambda found: f",\n{found[1]}".join(_cut(int(found[2]), found[3], found[4])).join((found[1], "")),
                      netlist)


def _cut(width: int, base: str, digits: str) -> list[str]:
    """The parameters of a block's content, in the order of their names."""
    bits = digits if base == "b" else "".join(_OF_DIGIT[digit] for digit in digits)
    # The lowest comes first from here on.
    words = [bits[at - _WORD:at][::-1] for at in range(width, 0, -_WORD)]
    data, parity = "".join(word[:-1] for word in words), "".join(word[-1] for word in words)
    return [f".{name}_{at // _BITS:02X}({_BITS}'{_constant(part[at:at + _BITS][::-1])})"
            for name, part in (("INITP", parity), ("INIT", data)) for at in range(0, len(part), _BITS)]


def _constant(bits: str) -> str:
    """Bits, the highest first, as Yosys writes them: with digits of four where each is known or unknown as a whole."""
    digits = [_OF_BITS.get(bits[at:at + 4]) for at in range(0, len(bits), 4)]
    return f"b{bits}" if None in digits else f"h{''.join(map(str, digits))}"
