"""Vivado for the generated Verilog: implementation out of context where it is installed, and scripts for elsewhere.

Tested against a stand-in that takes Vivado's command line and leaves reports in
its documented form, because Vivado itself can't be installed where the tests run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import ToolFailedError
from quantunet_hls.core.files import check_name, write_text
from quantunet_hls.core.process import require_tool, run
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.reports.parsers.foreign import read_text
from quantunet_hls.reports.parsers.vivado import parse_timing, parse_utilization
from quantunet_hls.reports.schema import Figure, Source, Subject, stated
from quantunet_hls.rtl.generate.verilog import write_verilog
from quantunet_hls.rtl.integrate.axi import AxiTop, registers_of
from quantunet_hls.rtl.integrate.ipxact import MEMORY_BUS, WEIGHTS_BUS, component_xml, ports_of

__all__ = ["implement", "packaging_script", "vivado_script", "write_ip"]

#: Every block's.
BUSES = ("s_axis", "m_axis", "s_axi")

#: Folder of the Verilog beside the scripts, and the script that :func:`implement` runs.
HDL, SCRIPT = "hdl", "vivado.tcl"

LIMIT_S = 6 * 3600.0

_UTILIZATION, _TIMING = "utilization.rpt", "timing.rpt"

#: Commands by which Vivado (UG835, UG1118) implements a module out of context and reports on it.
_IMPLEMENTATION = (
    "opt_design",
    "place_design",
    "phys_opt_design",
    "route_design",
    f"report_utilization -file {_UTILIZATION}",
    "report_utilization -hierarchical -file hierarchy.rpt",
    f"report_timing_summary -file {_TIMING}",
    "write_checkpoint -force routed.dcp",
)


def vivado_script(design: str, files: Sequence[str], board: Board) -> str:
    """Tcl that implements ``<design>_axi`` out of context for a board's part and leaves Vivado's reports.

    Run as ``vivado -mode batch -source <script>`` in the folder of the IP.

    Args:
        design: name of the stream graph.
        files: names of the Verilog files, the AXI wrapper's included.

    Raises:
        ConfigurationError: a name that Tcl would read as something else.
    """
    top = f"{check_name('design', design)}_axi"
    return "\n".join([
        *(f"read_verilog {HDL}/{_checked(name)}" for name in files),
        f"synth_design -top {top} -part {board.part} -mode out_of_context",
        f"create_clock -name aclk -period {board.clock_ns:g} [get_ports aclk]",
        *_IMPLEMENTATION,
    ]) + "\n"


def packaging_script(design: str, files: Sequence[str], board: Board, buses: Sequence[str] = BUSES) -> str:
    """Tcl that has Vivado package the IP itself, should a version not take our ``component.xml``.

    Args:
        design: name of the stream graph.
        files: names of the Verilog files, the AXI wrapper's included.
        board: for whose part.
        buses: of the block.

    Raises:
        ConfigurationError: a name that Tcl would read as something else.
    """
    top = f"{check_name('design', design)}_axi"
    return "\n".join([
        f"create_project -force -part {board.part} ip_project ip_project",
        *(f"add_files {HDL}/{_checked(name)}" for name in files),
        f"set_property top {top} [current_fileset]",
        "update_compile_order -fileset sources_1",
        "ipx::package_project -root_dir ip -vendor quantunet-hls -library streaming -taxonomy /UserIP -import_files",
        "ipx::infer_bus_interface {aclk} xilinx.com:signal:clock_rtl:1.0 [ipx::current_core]",
        "ipx::infer_bus_interface {aresetn} xilinx.com:signal:reset_rtl:1.0 [ipx::current_core]",
        *(f"ipx::associate_bus_interfaces -busif {bus} -clock aclk [ipx::current_core]"
          for bus in buses),
        "ipx::check_integrity [ipx::current_core]",
        "ipx::save_core [ipx::current_core]",
        "close_project",
    ]) + "\n"


def write_ip(graph: StreamGraph, verilog: Sequence[Path], board: Board, folder: Path) -> Path:
    """Write the AXI block as IP: ``component.xml``, ``hdl/`` and the scripts; returns the description's path.

    Args:
        verilog: files of the design without probes.

    Raises:
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    names = [f"{path.stem}.v" for path in verilog]
    for path in verilog:
        write_text(folder / HDL / path.name, path.read_text(encoding="utf-8"))
    top = AxiTop(graph)
    # Before the hardware is made of it: afterwards the component is spent.
    ports = ports_of(top)
    names.append(write_verilog(folder / HDL, {f"{graph.name}_axi": top})[f"{graph.name}_axi"].name)
    write_text(folder / SCRIPT, vivado_script(graph.name, names, board))
    buses = (*BUSES, *([WEIGHTS_BUS] if graph.loading else []), *([MEMORY_BUS] if graph.feeding else []))
    write_text(folder / "package.tcl", packaging_script(graph.name, names, board, buses))
    description = component_xml(graph.name, ports, [f"{HDL}/{name}" for name in names],
                                registers_of(graph), board)
    write_text(folder / "component.xml", description)
    return folder / "component.xml"


def implement(folder: Path, *, limit_s: float = LIMIT_S) -> tuple[Figure, ...]:
    """Run Vivado on what :func:`write_ip` left, and read its reports.

    Raises:
        ToolNotFoundError: Vivado is not installed.
        ToolFailedError: it failed, ran past its limit or left no report; names its log.
    """
    vivado = require_tool("vivado", "the implementation of the RTL", "install it and source its settings64.sh")
    for report in (_UTILIZATION, _TIMING):
        (folder / report).unlink(missing_ok=True)
    log = folder / "vivado.log"
    run([vivado, "-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source", SCRIPT], log=log, cwd=folder,
        limit_s=limit_s)
    figures: list[Figure] = []
    for report, parse in ((_UTILIZATION, parse_utilization), (_TIMING, parse_timing)):
        text = read_text(folder / report)
        if text is None:
            raise ToolFailedError(f"Vivado left no {report}; its log is {log}.")
        figures += parse(text, str(folder / report), Source.ROUTED)[1]
    return stated(figures, Subject.RTL)


def _checked(name: str) -> str:
    return f"{check_name('Verilog file', name.removesuffix('.v'))}.v"
