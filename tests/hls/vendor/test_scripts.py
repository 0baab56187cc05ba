import pytest

from quantunet_hls.hls.vendor import Phase, Tool, make_plan

tkinter = pytest.importorskip("tkinter", reason="Python without Tcl")

# Every command of the tools that the scripts may call.
COMMANDS = (
    *("open_project", "set_top", "add_files", "open_solution", "set_part", "create_clock", "set_clock_uncertainty"),
    *("config_array_partition", "config_compile", "config_schedule"),
    *("csim_design", "csynth_design", "cosim_design", "export_design"),
    *("create_project", "read_xdc", "get_ports", "open_checkpoint", "write_checkpoint"),
    *("synth_design", "opt_design", "place_design", "phys_opt_design", "route_design"),
    *("report_utilization", "report_timing_summary"),
)


@pytest.fixture(autouse=True)
def _in_the_project(bench, monkeypatch):
    monkeypatch.chdir(bench.folder)


class Interpreter:
    """A real Tcl that writes down which of the tools' commands it was told."""

    def __init__(self, failing=()):
        self.tcl = tkinter.Tcl()
        self.tcl.eval("set told {}; set printed {}; set ended {}")
        for command in COMMANDS:
            fail = "; error broken" if command in failing else ""
            self.tcl.eval(f"proc {command} args {{lappend ::told [linsert $args 0 {command}]{fail}; return {{}}}}")
        self.tcl.eval("proc puts args {lappend ::printed [lindex $args end]}")
        self.tcl.eval("proc exit code {lappend ::ended $code; error ended}")

    def run(self, script: str):
        self.tcl.setvar("script", script)
        self.tcl.eval("catch {uplevel #0 $script}")
        split = self.tcl.splitlist
        told = [tuple(map(str, split(call))) for call in split(self.tcl.getvar("told"))]
        return told, split(self.tcl.getvar("printed")), split(self.tcl.getvar("ended"))


def script_of(bench, phase: Phase) -> str:
    tool = Tool("vivado" if phase in (Phase.VSYNTH, Phase.IMPLEMENT) else "vitis_hls", bench.bin / "x", "2022.2")
    call = make_plan(bench.project, [phase], tool, tool).calls[0] if phase in (Phase.CSIM, Phase.CSYNTH) else None
    calls = [call] if call else make_plan(bench.project, list(Phase), tool, tool).calls
    found = next(each for each in calls if each.phase is phase)
    return found.files[f"quantunet_build_{phase}.tcl"]


@pytest.mark.parametrize("phase", list(Phase))
def test_every_script_runs_to_its_end_in_tcl(bench, phase):
    told, printed, ended = Interpreter().run(script_of(bench, phase))
    assert told
    assert printed == (f"QUANTUNET_HLS_DONE {phase}",)
    assert ended[0] == "0"


@pytest.mark.parametrize(
    ("phase", "failing"), [(Phase.CSIM, "csim_design"), (Phase.CSYNTH, "set_part"), (Phase.IMPLEMENT, "route_design")]
)
def test_a_command_that_fails_ends_the_script_with_an_error(bench, phase, failing):
    _, printed, ended = Interpreter([failing]).run(script_of(bench, phase))
    assert printed[0] == "ERROR: broken"
    assert ended[0] == "1"
    assert f"QUANTUNET_HLS_DONE {phase}" not in printed


def test_synthesis_gets_the_project_as_hls4ml_sets_it_up(bench):
    told, _, _ = Interpreter().run(script_of(bench, Phase.CSYNTH))
    for call in (
        ("open_project", "unet_prj"),
        ("set_top", "unet"),
        ("add_files", "firmware/unet.cpp", "-cflags", "-std=c++0x"),
        ("add_files", "-tb", "unet_test.cpp", "-cflags", "-std=c++0x"),
        ("add_files", "-tb", "firmware/weights"),
        ("add_files", "-tb", "tb_data"),
        ("open_solution", "solution1"),
        ("set_part", "xczu7ev-ffvc1156-2-e"),
        ("create_clock", "-period", "5", "-name", "default"),
        ("set_clock_uncertainty", "27%", "default"),
        ("csynth_design",),
    ):
        assert call in told
    assert told[-1] == ("csynth_design",)


def test_a_version_without_a_command_of_another_still_works(bench):
    told, _, ended = Interpreter(["config_array_partition"]).run(script_of(bench, Phase.CSYNTH))
    assert told[-1] == ("csynth_design",)
    assert ended[0] == "0"


def test_co_simulation_tells_the_test_bench_where_to_write(bench):
    told, _, _ = Interpreter().run(script_of(bench, Phase.COSIM))
    assert ("add_files", "-tb", "unet_test.cpp", "-cflags", "-std=c++0x -DRTL_SIM") in told


def test_c_simulation_has_a_project_of_its_own(bench):
    told, _, _ = Interpreter().run(script_of(bench, Phase.CSIM))
    assert told[0][0] == "open_project"
    assert told[0][1] != "unet_prj"


def test_vivado_synthesises_out_of_context_with_the_clock(bench):
    told, _, _ = Interpreter().run(script_of(bench, Phase.VSYNTH))
    assert ("synth_design", "-top", "unet", "-part", "xczu7ev-ffvc1156-2-e", "-mode", "out_of_context") in told
    assert ("add_files", "unet_prj/solution1/syn/verilog") in told
    assert ("read_xdc", "-mode", "out_of_context", "quantunet_clock.xdc") in told
    tool = Tool("vivado", bench.bin / "x", "2022.2")
    call = make_plan(bench.project, [Phase.CSYNTH, Phase.VSYNTH], tool, tool).calls[1]
    clock, _, _ = Interpreter().run(call.files["quantunet_clock.xdc"])
    assert ("create_clock", "-name", "ap_clk", "-period", "5", "") in clock
    assert (bench.folder / "quantunet_vivado").is_dir()
