"""Programs that stand in for the vendor's tools.

AMD's tools need a licence agreement and can't be installed where these tests
run. The stand-ins know each tool's command line, refuse any other, read from
the Tcl script which phase is meant, and leave files of the documented names
and forms. They show that the driver calls, watches and resumes the tools as
it should; they show nothing about what the tools make of a design.
"""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from quantunet_hls.hls.vendor import HlsProject
from tests.reports import FIXTURES

# How a stand-in takes its command line, its version, and the argument that asks for it.
_TOOLS = {
    "vitis-run": (["--mode", "hls", "--tcl"], "****** vitis-run v2024.2 (64-bit)", "--version"),
    "vitis_hls": (["-f"], "Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v2022.2 (64-bit)", "-version"),
    "vivado_hls": (["-f"], "Vivado(TM) HLS - High-Level Synthesis from C v2019.2 (64-bit)", "-version"),
    "vivado": (
        ["-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source"],
        "Vivado v2023.2 (64-bit)\\nTool Version Limit: 2023.10",
        "-version",
    ),
}

_STUB = """#!{python}
import os, shutil, signal, sys, time
from pathlib import Path

arguments, here, fixtures = sys.argv[1:], Path(__file__).parent, Path({fixtures!r})
if arguments == [{ask!r}]:
    print("{banner}")
    sys.exit(0)
if arguments[:-1] != {arguments!r}:
    print("unknown option", arguments)
    sys.exit(2)
text = Path(arguments[-1]).read_text()
phases = dict(csim_design="csim", csynth_design="csynth", cosim_design="cosim", export_design="export",
              synth_design="vsynth", route_design="implement")
phase = next(name for command, name in phases.items() if command in text.replace("opt_design", ""))
with (here / "calls").open("a") as calls:
    calls.write({name!r} + " " + phase + "\\n")
mode_file = here / ("mode_" + phase)
mode = mode_file.read_text() if mode_file.exists() else "work"

def put(source, path):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = (fixtures / source).read_bytes()
    path.write_bytes(content[: len(content) // 2] if mode == "killed" else content)

def note(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)

if mode == "fail":
    print("ERROR: [HLS 200-70] the design is no good")
    sys.exit(1)
if mode == "hang":
    time.sleep(60)
if mode == "says error and exits with 0":
    print("ERROR: [HLS 200-101] something is amiss")
    sys.exit(0)
if mode == "exits with 0":
    sys.exit(0)

solution = "unet_prj/solution1"
if phase == "csim":
    note("tb_data/csim_results.log", "0.5 1 -2.25\\n3 4 5\\n")
elif phase == "csynth":
    for name in ("csynth.xml", "unet_csynth.xml"):
        put("vitis_hls_2022.2/solution1/syn/report/" + name, solution + "/syn/report/" + name)
    note(solution + "/syn/verilog/unet.v", "module unet; endmodule")
elif phase == "cosim":
    put("vitis_hls_2022.2/solution1/sim/report/unet_cosim.rpt", solution + "/sim/report/unet_cosim.rpt")
    if mode == "differs":
        report = Path(solution + "/sim/report/unet_cosim.rpt")
        report.write_text(report.read_text().replace("Pass", "Fail"))
    note("tb_data/rtl_cosim_results.log", "0.50 1 -2.25\\n3 4 6\\n")
elif phase == "export":
    note(solution + "/impl/ip/component.xml", "<component/>")
else:
    prefix = "quantunet_vivado/" + ("synth" if phase == "vsynth" else "routed")
    part = "7series_2019.2" if phase == "vsynth" else "usplus_2022.2"
    put("vivado/" + part + "_utilization.rpt", prefix + "_utilization.rpt")
    put("vivado/" + part + "_hierarchy.rpt", prefix + "_hierarchy.rpt")
    timing = "synthesized" if phase == "vsynth" else "routed_met"
    put("vivado/" + timing + "_timing.rpt", prefix + "_timing.rpt")
    note(prefix + ".dcp", "")
if mode == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if mode == "leaves no report":
    shutil.rmtree(solution)
print("QUANTUNET_HLS_DONE " + phase)
"""


class Bench:
    """A PATH with stand-ins on it, and a project as hls4ml writes one."""

    def __init__(self, folder: Path):
        self.bin = folder / "bin"
        self.bin.mkdir()
        # A name that shells and Tcl would stumble over, were it ever in a script or a command line of one.
        self.folder = folder / "a project; [exit] $HOME"
        for name, text in {
            "firmware/unet.cpp": "nnet::conv_2d_cl<input_t, layer2_t, config2>(x, y, w2, b2); // Conv2D_Conv_0\n"
            "nnet::relu<layer2_t, layer4_t, relu_config4>(y, z); // Relu_0\n",
            "firmware/parameters.h": "struct config2 {};\n",
            "firmware/weights/w2.txt": "1, 2, 3\n",
            "unet_test.cpp": "int main() {}\n",
            "tb_data/tb_input_features.dat": "1 2 3\n",
            "tb_data/tb_output_predictions.dat": "0.5 1.0 -2.25\n3 4 5.0\n",
        }.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        self.project = HlsProject(self.folder, "unet", "xczu7ev-ffvc1156-2-e", 5.0)

    def install(self, *names: str) -> None:
        """Put stand-ins on the PATH."""
        for name in names:
            arguments, banner, ask = _TOOLS[name]
            path = self.bin / name
            path.write_text(
                _STUB.format(
                    python=sys.executable,
                    fixtures=str(FIXTURES),
                    arguments=arguments,
                    banner=banner,
                    ask=ask,
                    name=name,
                )
            )
            path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def update(self, name: str, old: str, new: str) -> None:
        """Put another version of a stand-in on the PATH."""
        path = self.bin / name
        path.write_text(path.read_text().replace(f"v{old}", f"v{new}"))

    def behave(self, phase: str, mode: str) -> None:
        """Make the stand-ins fail in some way, or work again."""
        (self.bin / f"mode_{phase}").write_text(mode)

    def calls(self) -> list[str]:
        """The phases run since the last time that this was asked, each behind its tool."""
        path = self.bin / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("")
        return lines
