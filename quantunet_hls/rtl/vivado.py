"""A Vivado script for the generated Verilog: implementation out of context, and the packaged IP.

For machines that have Vivado; the script is text made from the design, and
nothing here runs it.
"""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.boards import Board
from quantunet_hls.files import check_name

__all__ = ["vivado_script"]

#: Commands by which Vivado (UG835, UG1118) implements a module out of context and reports on it.
_IMPLEMENTATION = (
    "opt_design",
    "place_design",
    "phys_opt_design",
    "route_design",
    "report_utilization -hierarchical -file utilization.rpt",
    "report_timing_summary -file timing.rpt",
    "write_checkpoint -force routed.dcp",
)


def vivado_script(design: str, files: Sequence[str], board: Board) -> str:
    """Tcl that implements ``<design>_axi`` for a board's part and packages it as IP.

    Run as ``vivado -mode batch -source <script>`` in the folder of the Verilog.

    Args:
        design: name of the stream graph.
        files: names of the Verilog files, the AXI wrapper's included.

    Raises:
        ConfigurationError: a name that Tcl would read as something else.
    """
    top = f"{check_name('design', design)}_axi"
    read = [f"read_verilog {check_name('Verilog file', name.removesuffix('.v'))}.v" for name in files]
    return "\n".join([
        *read,
        f"synth_design -top {top} -part {board.part} -mode out_of_context",
        f"create_clock -name aclk -period {board.clock_ns:g} [get_ports aclk]",
        *_IMPLEMENTATION,
        "close_project",
        "",
        f"create_project -force -part {board.part} ip_project ip_project",
        *(f"add_files {name}" for name in files),
        f"set_property top {top} [current_fileset]",
        "update_compile_order -fileset sources_1",
        "ipx::package_project -root_dir ip -vendor quantunet-hls -library streaming -taxonomy /UserIP -import_files",
        "ipx::infer_bus_interface {aclk} xilinx.com:signal:clock_rtl:1.0 [ipx::current_core]",
        "ipx::infer_bus_interface {aresetn} xilinx.com:signal:reset_rtl:1.0 [ipx::current_core]",
        *(f"ipx::associate_bus_interfaces -busif {bus} -clock aclk [ipx::current_core]"
          for bus in ("s_axis", "m_axis", "s_axi")),
        "ipx::check_integrity [ipx::current_core]",
        "ipx::save_core [ipx::current_core]",
        "close_project",
    ]) + "\n"
