"""Amaranth components to Verilog files, by way of RTLIL and Yosys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl._ir import PortDirection
from amaranth.lib.wiring import In

from quantunet_hls.core.open_tools import run_yosys
from quantunet_hls.core.workshop import keep, workshop
from quantunet_hls.rtl.generate import memory_contents

__all__ = ["to_rtlil", "write_verilog"]

#: Generating a netlist's Verilog takes seconds; beyond this something hangs.
VERILOG_LIMIT_S = 1800.0

def to_rtlil(component: Any, name: str) -> str:
    """The component as RTLIL text, without source positions, so that equal hardware is equal text.

    A stream ``i`` has the ports ``i_payload``, ``i_valid`` and ``i_ready``.
    """
    ports = {"_".join(map(str, path)): (value, PortDirection.Input if member.flow is In else PortDirection.Output)
             for path, member, value in component.signature.flatten(component)}
    with memory_contents.applied():
        text = str(rtlil.convert(component, name=name, ports=ports, emit_src=False))
    return _without_zeroed_memories(text)


_ZEROED = re.compile(r"\n  cell \$meminit_v2 \S+\n    parameter \\MEMID \"(?P<memory>[^\"]+)\"\n(?:    .*\n)*?"
                     r"    connect \\DATA \d+'0+\n(?:    .*\n)*?  end\n")


def _without_zeroed_memories(text: str) -> str:
    """The same without the zeros that Amaranth puts into every RAM.

    Nothing is read here before it was written, and as Verilog the zeros would be
    one statement a word: tens of thousands for a skip connection.
    """
    modules = text.split("\nend\n")
    for index, module in enumerate(modules):
        written = set(re.findall(r'cell \$memwr_v2 \S+\n    parameter \\MEMID "([^"]+)"', module))
        modules[index] = _ZEROED.sub(lambda found, written=written:  # type: ignore[misc]
                                     "\n" if found["memory"] in written else found[0], module)
    return "\nend\n".join(modules)


_NUMBERED = re.compile(r"(\\\$auto\$verilog_backend\.cc:\d+:dump_module\$)(\d+) ")


def _numbered(text: str) -> str:
    """A file of Yosys's with its helper signals numbered from 1, whatever else was written in the same run."""
    numbers: dict[str, int] = {}
    return _NUMBERED.sub(lambda found: f"{found[1]}{numbers.setdefault(found[2], len(numbers) + 1)} ", text)


_LAST_ASSIGNS = re.compile(r"(?:^  assign [^\n]*;\n)+(?=endmodule)", re.MULTILINE)
_OF_HELPER = re.compile(r"  assign \\\$(\d+) ")


def _in_order(text: str) -> str:
    """A file of Yosys's with the assignments to numbered signals at a module's end in the order of their numbers.

    Yosys simplifies cells in the order in which it first met their names, in whichever module of a run that was. A
    run with one module alone leaves this order, too.
    """
    def ordered(found: re.Match[str]) -> str:
        lines = found[0].splitlines(keepends=True)
        numbers = {place: int(helper[1]) for place, line in enumerate(lines) if (helper := _OF_HELPER.match(line))}
        for place, (_, line) in zip(numbers, sorted((numbers[at], lines[at]) for at in numbers), strict=True):
            lines[place] = line
        return "".join(lines)

    return _LAST_ASSIGNS.sub(ordered, text)


def write_verilog(folder: Path, components: Mapping[str, Any]) -> dict[str, Path]:
    """One Verilog file for each component, with everything inside it; the file names are the modules'.

    Raises:
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    lines = []
    texts = {}
    for name, component in components.items():
        texts[f"{name}.il"] = to_rtlil(component, name)
        lines += [
            "design -reset",
            f"read_rtlil {name}.il",
            "proc -nomux -norom",
            "memory_collect",
            "attrmap -remove src -remove generator -remove top",
            f"write_verilog -norename {name}.v",
        ]
    with workshop(folder) as bench:
        for name, text in {**texts, "verilog.ys": "\n".join(lines) + "\n"}.items():
            (bench / name).write_text(text, encoding="utf-8")
        run_yosys(bench / "verilog.ys", folder / "verilog.log", VERILOG_LIMIT_S)
        for name in components:
            made = bench / f"{name}.v"
            made.write_text(_in_order(_numbered(made.read_text(encoding="utf-8"))), encoding="utf-8")
            keep(bench / f"{name}.v", folder / f"{name}.v")
    return {name: folder / f"{name}.v" for name in components}
