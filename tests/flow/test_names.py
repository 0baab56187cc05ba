"""Networks and files that are called as no design can be: through C++, RTL, Tcl and reports."""

import json
import re

import pytest

from quantunet_hls import generate_accelerator
from quantunet_hls.flow.resolve import resolve
from quantunet_hls.flow.spec import DesignSpec
from quantunet_hls.folding.written import read_folding
from quantunet_hls.reports.schema import Report
from tests.builders import Net

#: A module nested as deep as MONAI nests them.
DEEP = "/model/" + "submodule/1/" * 20


def odd_network():
    """Names too long, of the same end, of other tools, and different in nothing but case or what gets replaced."""
    net = Net((1, 1, 6, 6))
    first = net.conv(net.quant("x", 8, -7, signed=1, name=f"{DEEP}quant"), 2, name=f"{DEEP}conv/Conv")
    skip = net.quant(net.relu(first, name=f"{DEEP}Conv2D_relu"), name=f"/model{DEEP}quant")
    low = net.conv(net.pool(skip, name="always"), 2, name="ALWAYS")
    low = net.quant(net.relu(low, name="größe"), name="3 w")
    up = net.resize(low, name="board")
    both = net.add("Add", [up, skip], net.shapes[skip], name="module")
    both = net.quant(net.relu(both, name=""), name="top")
    return net.proto(net.conv(net.concat(both, skip), 2, kernel=1, name="axi"))


@pytest.fixture
def file(tmp_path):
    def written(name):
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(odd_network().SerializeToString())
        return path

    return written


@pytest.mark.parametrize(("name", "expected"), [
    ("w4a4", "w4a4_zcu104"), ("b8d3", "b8d3_zcu104"), ("EOF", "EOF_zcu104"), ("EXIT_SUCCESS", "EXIT_SUCCESS_zcu104"),
    ("class", "class_zcu104"), ("9 lives", "net_9_lives_zcu104"), ("größe", "gr_e_zcu104")])
def test_any_file_gives_a_design_its_name(file, name, expected):
    run = resolve(DesignSpec(file(name), "zcu104", toolchain="none"))
    assert (run.name, run.source.name, run.renamed) == (expected, name, {})


@pytest.mark.parametrize(("name", "expected"), [
    ("w4a4", "w4a4"), ("EOF", "net_EOF"), ("main", "net_main"), ("input_t", "net_input_t_net"), ("../up", "up")])
def test_a_name_that_is_asked_for_is_taken_or_what_it_became_is_said(file, name, expected):
    said = []
    run = resolve(DesignSpec(file("net"), "zcu104", toolchain="none", name=name), said.append)
    assert run.name == expected
    assert run.renamed == ({} if name == expected else {expected: name})
    assert [repr(name) in line and expected in line for line in said] == [True] * len(run.renamed)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "design"), [("EOF", None), ("x" * 120, "reg")])
def test_odd_names_go_through_cpp_rtl_and_tcl_and_the_report_has_the_networks_own(file, tmp_path, name, design):
    made = generate_accelerator(file(name), "zcu104", name=design, images=2, toolchain="open", last="rtl",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.differing == 0
    assert {check.candidate for check in made.checks} >= {"C-simulation", "RTL simulation"}
    files = {path.stem for path in (made.folder / "rtl" / "ip" / "hdl").glob("*.v")}
    assert all(re.fullmatch(r"[A-Za-z]\w{0,62}", stem) for stem in files)
    script = (made.folder / "rtl" / "ip" / "vivado.tcl").read_text()
    assert {*re.findall(r"read_verilog hdl/(\w+)\.v", script)} == files
    report = made.report
    assert report.network.name == name
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    assert report.names.get(made.name) == design
    given = {node.name for node in odd_network().graph.node}
    layers = {check.layer for check in report.checks if check.candidate == "RTL simulation"} - {None}
    assert {report.names.get(layer, layer) for layer in layers} <= given | {"Relu_0"}
    assert f"{DEEP}conv/Conv" in report.names.values()
    folding = read_folding(made.folder / "folding.json")
    assert {folding.names[layer] for layer in folding.reuse_factors} == {f"{DEEP}conv/Conv", "ALWAYS", "axi"}
