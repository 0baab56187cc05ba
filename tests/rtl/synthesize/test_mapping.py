from dataclasses import replace

import pytest

from quantunet_hls.boards import load
from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.core.files import read_json
from quantunet_hls.core.open_tools import run_yosys
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.reports.schema import Source
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.report import layer_reports, mapped_figures
from quantunet_hls.rtl.synthesize.mapping import MappingOptions, map_design
from quantunet_hls.rtl.synthesize.module import mapping_script
from quantunet_hls.rtl.synthesize.timing import Netlist, design_timing
from quantunet_hls.targets import CellCount
from quantunet_hls.targets.ecp5 import ECP5
from quantunet_hls.targets.versal import VERSAL
from quantunet_hls.targets.xcup import XCUP
from tests.rtl.graphs import PIXEL, convolution


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    graph = StreamGraph("two", (
        Input("image", (), Shape(6, 8, 2), PIXEL),
        convolution("first", "image", 2, 4, (6, 8), PIXEL, seed=1),
        convolution("second", "first", 4, 2, (6, 8), convolution("x", "y", 1, 1, (3, 3), PIXEL).type, seed=2),
    ))
    return generate(fold(graph, 900), tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def mapped(design, tmp_path_factory):
    cache = tmp_path_factory.mktemp("mapped")
    return map_design(design, MappingOptions(XCUP), cache), cache


def test_each_layer_is_mapped_and_the_sum_is_the_design(design, mapped):
    result, _ = mapped
    graph = design.graph
    assert list(result.layers) == ["first", "second", "top"]
    for name in ("first", "second"):
        # One multiplier is one DSP block: nothing is shared, nothing lost.
        assert result.layers[name].count.dsp == graph[name].mac_units
        assert result.layers[name].count.lut > 0
    total = sum((module.count for module in result.layers.values()), CellCount())
    assert result.total == total
    assert total.ff > 0
    assert total.carry > 0


def test_a_second_run_maps_nothing_and_a_changed_option_only_what_it_changes(design, mapped):
    first, cache = mapped
    again = map_design(design, MappingOptions(XCUP), cache)
    assert all(module.reused for module in again.layers.values())
    assert again.total == first.total
    fabric = map_design(design, MappingOptions(XCUP), cache, lut_multipliers=["second"])
    assert [module.reused for module in fabric.layers.values()] == [True, False, True]
    assert fabric.layers["second"].count.dsp == 0
    assert fabric.layers["second"].count.lut > first.layers["second"].count.lut


def test_results_go_into_the_report_schema(design, mapped):
    board = load("zcu104")
    figures = {figure.name: figure for figure in mapped_figures(mapped[0], board)}
    assert figures["lut"].value == mapped[0].total.lut
    assert figures["lut"].available == board.resources.lut
    assert {figure.source for figure in figures.values()} == {Source.MAPPED}
    layers = layer_reports(design.graph, mapped[0], {"first": "enc0"})
    assert [layer.name for layer in layers] == ["enc0", "second", "top"]
    assert layers[0].figure("interval_cycles_max").value == design.graph["first"].cycles


def test_the_clock_of_a_mapped_design_is_estimated(design, mapped):
    timing = design_timing(design, mapped[0], XCUP)
    assert not timing.refused
    assert list(timing.layers) == ["first", "second", "top"]
    for name, path in timing.layers.items():
        # A register, a multiplexer or adder at the least, and a register.
        assert path.ps >= 303 + 127
        netlist = Netlist.from_yosys("", next(iter(read_json(mapped[0].layers[name].connections)["modules"].values())))
        for end, ports in ((path.start, netlist.inputs), (path.end, netlist.outputs)):
            place, _, port = end.rpartition(".")
            known = netlist.cells[place].inputs | netlist.cells[place].outputs if place else ports
            assert port.split("[")[0] in known
    # The multipliers have registers around them, but none inside.
    assert "DSP48E2" in timing.layers["first"].cells
    assert timing.whole == max(timing.layers.values(), key=lambda path: path.ps)
    assert design_timing(design, mapped[0], ECP5) is None


def test_estimates_of_the_clock_go_into_the_report(design, mapped):
    timing = design_timing(design, mapped[0], XCUP)
    figure = next(figure for figure in mapped_figures(mapped[0], None, timing) if figure.name == "clock_estimate_ns")
    assert (figure.value, figure.source) == (timing.whole.ns, Source.ESTIMATE)
    assert figure.tool == "quantunet-hls, logic only, 7-series delays, no routing"
    layers = layer_reports(design.graph, mapped[0], timing=timing)
    assert [layer.figure("clock_estimate_ns").value for layer in layers] == [
        timing.layers[name].ns for name in ("first", "second", "top")]
    half = replace(timing, layers={"first": timing.layers["first"]}, refused={"second": "", "top": ""})
    assert "clock_estimate_ns" not in {figure.name for figure in mapped_figures(mapped[0], None, half)}


def test_a_module_without_estimate_leaves_the_design_without(design, mapped, tmp_path):
    module = mapped[0].layers["second"]
    text = module.connections.read_text().replace('"FDRE"', '"FDNEW"')
    (tmp_path / "new.json").write_text(text)
    changed = replace(module, connections=tmp_path / "new.json")
    other = replace(mapped[0], layers={**mapped[0].layers, "second": changed})
    timing = design_timing(design, other, XCUP)
    assert timing.whole is None
    assert list(timing.layers) == ["first"]
    assert list(timing.refused) == ["second", "top"]
    assert "has the cell FDNEW" in timing.refused["top"]


def test_designs_that_cannot_be_mapped_are_refused(design, tmp_path):
    probed = generate(design.graph, tmp_path, probes=True)
    with pytest.raises(ConfigurationError, match="probes"):
        map_design(probed, MappingOptions(XCUP), tmp_path)
    with pytest.raises(BoardError, match="'versal'"):
        map_design(design, MappingOptions(VERSAL), tmp_path)


@pytest.mark.parametrize("content", ["rom", "ram"])
@pytest.mark.slow
def test_yosys_puts_no_rom_into_ultraram(content, tmp_path):
    write = "always @(posedge clk) if (we) m[at] <= d;" if content == "ram" else "initial $readmemh(\"rom.hex\", m);"
    (tmp_path / "big.v").write_text(
        "module big(input clk, we, input [13:0] at, from, input [71:0] d, output reg [71:0] q);\n"
        f"reg [71:0] m [0:16383]; {write} always @(posedge clk) q <= m[from];\nendmodule\n")
    (tmp_path / "rom.hex").write_text("\n".join(f"{(n * 2654435761) % (1 << 72):018x}" for n in range(16384)))
    script = tmp_path / "map.ys"
    script.write_text(mapping_script("big", MappingOptions(XCUP, uram=True)))
    run_yosys(script, tmp_path / "log")
    cells = read_json(tmp_path / "big.stat.json")["design"]["num_cells_by_type"]
    assert ("URAM288" in cells) == (content == "ram")
