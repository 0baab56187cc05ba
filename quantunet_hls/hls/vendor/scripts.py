"""The Tcl that the vendor's tools run: one script a phase, so that each has its own log, limit and end.

All paths are relative to the project's folder, and every name has been checked
by :class:`HlsProject`, so nothing in them can mean anything else to Tcl.
"""

from __future__ import annotations

from quantunet_hls.hls.vendor.project import HlsProject

__all__ = ["CSIM_PROJECT", "RESULTS", "clock_constraint", "done_line", "hls_script", "implement_script", "synth_script"]

#: Folder of the HLS project of C-simulation alone, so that it never disturbs a synthesis already made.
CSIM_PROJECT = "quantunet_csim_prj"

#: Folder of what Vivado leaves behind.
RESULTS = "quantunet_vivado"

_COMMANDS = {
    "csim": "csim_design",
    "csynth": "csynth_design",
    "cosim": "cosim_design -rtl verilog -trace_level none",
    "export": 'export_design -format ip_catalog -version "1.0.0"',
}


def done_line(phase: str) -> str:
    """What a script prints last; some versions of the tools end with exit code 0 after an error."""
    return f"QUANTUNET_HLS_DONE {phase}"


def _guarded(phase: str, lines: list[str]) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return (
        f"if {{[catch {{\n{body}\n}} reason]}} {{\n"
        '    puts "ERROR: $reason"\n'
        "    exit 1\n"
        "}\n"
        f'puts "{done_line(phase)}"\n'
        "exit 0\n"
    )


def hls_script(project: HlsProject, phase: str) -> str:
    """Script of one phase of the HLS tool, with the settings of hls4ml's own script."""
    # The test bench writes its results under another name in co-simulation, where no compiler flag tells it so.
    defines = " -DRTL_SIM" if phase == "cosim" else ""
    lines = [
        f"open_project {CSIM_PROJECT if phase == 'csim' else project.hls_project}",
        f"set_top {project.name}",
        f'add_files {project.source} -cflags "-std=c++0x"',
        f'add_files -tb {project.test_bench} -cflags "-std=c++0x{defines}"',
        "foreach data {firmware/weights tb_data} {if {[file exists $data]} {add_files -tb $data}}",
        "open_solution solution1",
        # Vivado HLS would refuse to partition larger arrays; Vitis HLS no longer knows the command.
        "catch {config_array_partition -maximum_size 4096}",
        "config_compile -name_max_length 80",
        f"set_part {project.part}",
        "config_schedule -enable_dsp_full_reg=false",
        f"create_clock -period {project.clock_ns:g} -name default",
        f"set_clock_uncertainty {project.uncertainty} default",
        _COMMANDS[phase],
    ]
    return _guarded(phase, lines)


def clock_constraint(project: HlsProject) -> str:
    """The one constraint of an out-of-context build: the clock's period."""
    return f"create_clock -name ap_clk -period {project.clock_ns:g} [get_ports ap_clk]\n"


def _reports(prefix: str) -> list[str]:
    return [
        f"file mkdir {RESULTS}",
        f"report_utilization -file {RESULTS}/{prefix}_utilization.rpt",
        f"report_utilization -hierarchical -file {RESULTS}/{prefix}_hierarchy.rpt",
        f"report_timing_summary -file {RESULTS}/{prefix}_timing.rpt",
        f"write_checkpoint -force {RESULTS}/{prefix}.dcp",
    ]


def synth_script(project: HlsProject, constraint: str) -> str:
    """Script of Vivado's out-of-context synthesis of the Verilog that HLS wrote."""
    lines = [
        f"create_project -in_memory -part {project.part}",
        f"add_files {project.solution}/syn/verilog",
        f"read_xdc -mode out_of_context {constraint}",
        f"synth_design -top {project.name} -part {project.part} -mode out_of_context",
        *_reports("synth"),
    ]
    return _guarded("vsynth", lines)


def implement_script() -> str:
    """Script of Vivado's placement and routing of what was synthesised."""
    lines = [
        f"open_checkpoint {RESULTS}/synth.dcp",
        "opt_design",
        "place_design",
        "phys_opt_design",
        "route_design",
        *_reports("routed"),
    ]
    return _guarded("implement", lines)
