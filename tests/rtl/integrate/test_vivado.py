"""What AMD's tools are given: scripts, the packaged IP, and a stand-in's reports read back."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from defusedxml import ElementTree

from quantunet_hls.boards import load
from quantunet_hls.core.errors import ConfigurationError, ToolFailedError, ToolNotFoundError
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Source
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.integrate.axi import REGISTERS
from quantunet_hls.rtl.integrate.ipxact import NAMESPACE
from quantunet_hls.rtl.integrate.vivado import implement, packaging_script, vivado_script, write_ip
from quantunet_hls.types.fixed import FixedType
from tests.reports import FIXTURES
from tests.rtl.graphs import PIXEL, convolution

_SPIRIT = {"s": NAMESPACE}

_STUB = """#!{python}
import shutil, sys
from pathlib import Path
if sys.argv[1:] != ["-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source", "vivado.tcl"]:
    sys.exit("unknown option")
for line in Path("vivado.tcl").read_text().splitlines():
    if line.startswith("read_verilog") and not Path(line.split()[1]).exists():
        sys.exit("no such file")
fixtures = Path({fixtures!r})
shutil.copy(fixtures / "vivado" / "usplus_2022.2_utilization.rpt", "utilization.rpt")
if not Path("no_timing").exists():
    shutil.copy(fixtures / "vivado" / "routed_met_timing.rpt", "timing.rpt")
"""


@pytest.fixture(scope="module")
def ip(tmp_path_factory):
    graph = StreamGraph("wrapped", (
        Input("image", (), Shape(3, 4, 2), PIXEL, lanes=2),
        convolution("head", "image", 2, 1, (3, 4), PIXEL, stages=(Cast(FixedType(13, 6)),), seed=3),
    ))
    folder = tmp_path_factory.mktemp("ip")
    design = generate(graph, folder / "verilog")
    return write_ip(graph, list(design.files.values()), load("zcu104"), folder / "ip")


def _texts(element, path):
    return [found.text for found in element.findall(path, _SPIRIT)]


def test_the_ip_describes_the_verilog_that_lies_beside_it(ip):
    root = ElementTree.parse(ip).getroot()
    assert _texts(root, "s:name") == ["wrapped_axi"]
    files = _texts(root, "s:fileSets/s:fileSet/s:file/s:name")
    assert sorted(set(files)) == ["hdl/wrapped.v", "hdl/wrapped_axi.v", "hdl/wrapped_head.v"]
    assert all((ip.parent / name).is_file() for name in files)
    sets = set(_texts(root, "s:fileSets/s:fileSet/s:name"))
    assert set(_texts(root, "s:model/s:views/s:view/s:fileSetRef/s:localName")) == sets

    (module,) = re.findall(r"^module wrapped_axi\(.*?^endmodule", (ip.parent / "hdl/wrapped_axi.v").read_text(),
                           re.MULTILINE | re.DOTALL)
    verilog = {name: (direction.removesuffix("put"), int(left or 0)) for direction, left, name in
               re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", module, re.MULTILINE)}
    ports = {port.find("s:name", _SPIRIT).text:
             (port.find("s:wire/s:direction", _SPIRIT).text, int(port.findtext("s:wire/s:vector/s:left", "0", _SPIRIT)))
             for port in root.findall("s:model/s:ports/s:port", _SPIRIT)}
    assert ports == verilog
    # Clock and reset, two streams of four, and AXI4-Lite.
    assert len(ports) == 2 + 8 + 17


def test_every_bus_is_mapped_to_ports_that_exist_and_every_port_is_on_one_bus(ip):
    root = ElementTree.parse(ip).getroot()
    ports = _texts(root, "s:model/s:ports/s:port/s:name")
    mapped, kinds = [], {}
    for bus in root.findall("s:busInterfaces/s:busInterface", _SPIRIT):
        name = bus.findtext("s:name", None, _SPIRIT)
        mode = "master" if bus.find("s:master", _SPIRIT) is not None else "slave"
        kinds[name] = bus.find("s:busType", _SPIRIT).get(f"{{{NAMESPACE}}}name"), mode
        assert bus.find(f"s:{mode}", _SPIRIT) is not None
        mapped += _texts(bus, "s:portMaps/s:portMap/s:physicalPort/s:name")
    assert kinds == {"s_axis": ("axis", "slave"), "m_axis": ("axis", "master"), "s_axi": ("aximm", "slave"),
                     "aclk": ("clock", "slave"), "aresetn": ("reset", "slave")}
    assert sorted(mapped) == sorted(ports)
    parameters = dict(zip(_texts(root, ".//s:parameter/s:name"), _texts(root, ".//s:parameter/s:value"), strict=True))
    assert parameters["POLARITY"] == "ACTIVE_LOW"
    assert parameters["ASSOCIATED_BUSIF"].split(":") == ["s_axis", "m_axis", "s_axi"]
    assert parameters["FREQ_HZ"] == "200000000"
    registers = zip(_texts(root, ".//s:register/s:name"), _texts(root, ".//s:register/s:addressOffset"), strict=True)
    assert {name: int(offset, 16) for name, offset in registers} == REGISTERS


def test_the_script_reads_every_file_and_aims_at_the_board():
    board = load("zcu104")
    lines = vivado_script("net", ["net_conv.v", "net.v", "net_axi.v"], board).splitlines()
    assert [line for line in lines if line.startswith("read_verilog")] == [
        "read_verilog hdl/net_conv.v", "read_verilog hdl/net.v", "read_verilog hdl/net_axi.v"]
    assert f"synth_design -top net_axi -part {board.part} -mode out_of_context" in lines
    assert "create_clock -name aclk -period 5 [get_ports aclk]" in lines
    assert lines.index("route_design") < lines.index("report_timing_summary -file timing.rpt")


@pytest.mark.parametrize("name", ["net; exec rm", "[exec ls]", "$HOME"])
@pytest.mark.parametrize("script", [vivado_script, packaging_script])
def test_names_that_tcl_would_run_are_refused(script, name):
    with pytest.raises(ConfigurationError, match="can't be the name"):
        script(name, [], load("zcu104"))
    with pytest.raises(ConfigurationError, match="can't be the name"):
        script("net", [f"{name}.v"], load("zcu104"))


def test_a_stand_in_for_vivado_is_run_and_its_reports_are_read(ip, tmp_path, monkeypatch):
    folder = ip.parent
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolNotFoundError, match="vivado was not found"):
        implement(folder)
    stub = tmp_path / "vivado"
    stub.write_text(_STUB.format(python=sys.executable, fixtures=str(FIXTURES)))
    stub.chmod(0o755)
    figures = {(figure.name, figure.source) for figure in implement(folder)}
    assert {(names.LUT, Source.ROUTED), (names.CLOCK_ACHIEVED_NS, Source.ROUTED)} <= figures
    (folder / "no_timing").touch()
    # What an earlier run left is no result of this one.
    with pytest.raises(ToolFailedError, match=r"left no timing\.rpt"):
        implement(folder)
    (folder / "no_timing").unlink()
    assert Path(folder / "vivado.log").exists()
