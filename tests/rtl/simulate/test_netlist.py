"""The mapped netlist against the RTL, with Yosys's models and our own."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.core.errors import BoardError
from quantunet_hls.core.process import run
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.multipliers import in_fabric, with_multipliers
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.harness import DeadlockError, Stalls
from quantunet_hls.rtl.simulate.netlist import ALL, Compared, Extent, cell_models, check_netlist
from quantunet_hls.rtl.simulate.program import verilate
from quantunet_hls.rtl.synthesize.mapping import MappingOptions, map_design
from quantunet_hls.targets.ecp5 import ECP5
from quantunet_hls.targets.versal import VERSAL
from quantunet_hls.targets.xc7 import XC7
from quantunet_hls.targets.xcup import XCUP
from tests.rtl.graphs import PIXEL, convolution, every_kind, frames_for

_STALLS = Stalls(0.2, 0.2)


def small():
    return fold(StreamGraph("gates", (
        Input("image", (), Shape(5, 6, 2), PIXEL),
        convolution("only", "image", 2, 4, (5, 6), PIXEL, seed=1),
    )), 600)


def whole_check(graph, family, folder):
    """Every layer's netlist, and the top's, on two frames."""
    frames = frames_for(graph, 2)
    design = generate(graph, folder / "verilog")
    mapped = map_design(design, MappingOptions(family), folder / "mapped", lut_multipliers=in_fabric(graph))
    return check_netlist(design, mapped, family, execute(graph, frames), folder / "netlist", extent=ALL,
                         stalls=_STALLS)


@pytest.fixture(scope="module")
def designs(tmp_path_factory):
    graph, folder = small(), tmp_path_factory.mktemp("verilog")
    design = generate(graph, folder)
    return design, map_design(design, MappingOptions(XCUP), folder / "mapped")


def only(mapped, **changes):
    """The layer's netlist without the top's, whose program is larger than the test needs."""
    return replace(mapped, layers={"only": replace(mapped.layers["only"], **changes)})


def test_the_netlist_that_is_counted_gives_the_same_integers(designs, tmp_path, monkeypatch):
    design, mapped = designs
    frames, mapped = frames_for(design.graph, 2), only(mapped)
    expected = execute(design.graph, frames)
    found = check_netlist(design, mapped, XCUP, expected, tmp_path, stalls=_STALLS)
    assert found.compared == (Compared("only", 2 * 5 * 6 * 4, 0, 2 * 5 * 6 * 4),)
    assert found.own_models == ("DSP48E2",)
    assert found.cells == found.all_cells == sum(mapped.layers["only"].cells.values())
    assert found.values == found.all_values == 240
    # What was compared is kept by content: nothing is built for it again, whatever else is asked for.
    monkeypatch.setattr("quantunet_hls.rtl.simulate.layer_simulation.verilate_together", None)
    assert check_netlist(design, mapped, XCUP, expected, tmp_path, extent=ALL, stalls=_STALLS) == found
    other = {**expected, "only": expected["only"] + 1}
    with pytest.raises(TypeError):
        check_netlist(design, mapped, XCUP, other, tmp_path, stalls=_STALLS)


def test_what_is_too_large_or_has_no_model_is_left_and_named(designs, tmp_path):
    design, mapped = designs
    frames = frames_for(design.graph, 1)
    expected = execute(design.graph, frames)
    cells = {name: sum(module.cells.values()) for name, module in mapped.layers.items()}
    found = check_netlist(design, mapped, XCUP, expected, tmp_path,
                          extent=Extent(min(cells.values()) - 1))
    assert found.compared == ()
    assert found.left == ("only", "top")
    assert (found.cells, found.all_cells) == (0, sum(cells.values()))
    # The layer's values and those of the top, at the network's output.
    assert (found.values, found.all_values) == (0, 2 * 5 * 6 * 4)
    unknown = {name: replace(module, cells={**module.cells, "MYSTERY": 1}) for name, module in mapped.layers.items()}
    found = check_netlist(design, replace(mapped, layers=unknown), XCUP, expected, tmp_path, extent=ALL)
    assert found.left == ("only", "top")
    with pytest.raises(BoardError, match="no cell models for the family 'versal'"):
        check_netlist(design, mapped, VERSAL, expected, tmp_path)


@pytest.mark.slow
def test_a_simulation_that_is_cut_short_says_how_much_it_compared(designs, tmp_path):
    design, mapped = designs
    frames, mapped = frames_for(design.graph, 2), only(mapped)
    cells = sum(mapped.layers["only"].cells.values())
    found = check_netlist(design, mapped, XCUP, execute(design.graph, frames), tmp_path,
                          extent=Extent(work=cells * design.graph["only"].cycles))
    (compared,) = found.compared
    assert compared.differing == 0
    assert 0 < found.values == compared.values < compared.all_values == found.all_values == 2 * 5 * 6 * 4


@pytest.mark.slow
def test_a_netlist_that_is_wrong_is_found_out(designs, tmp_path):
    design, mapped = designs
    frames = frames_for(design.graph, 1)
    netlist = tmp_path / "wrong.v"
    text = mapped.layers["only"].netlist.read_text()
    # One look-up table of a hundred holds another function.
    found = list(re.finditer(r"LUT\d #\(\n\s*\.INIT\(\d+'h([0-9a-f]+)\)", text))
    middle = found[len(found) // 2]
    netlist.write_text(text[: middle.start(1)] + "".join(f"{15 - int(digit, 16):x}" for digit in middle[1])
                       + text[middle.end(1):])
    with contextlib.suppress(DeadlockError):  # the changed function may be of the flow control
        found = check_netlist(design, only(mapped, netlist=netlist), XCUP, execute(design.graph, frames),
                              tmp_path, stalls=_STALLS)
        assert found.compared[0].differing > 0


@pytest.mark.slow
@pytest.mark.parametrize("family", [XCUP, XC7, ECP5])
def test_a_whole_net_of_every_layer_kind_gives_the_same_integers(family, tmp_path):
    graph = fold(every_kind(), 4000)
    found = whole_check(graph, family, tmp_path)
    assert found.left == ()
    assert [one.layer for one in found.compared] == [*(layer.name for layer in graph.layers[1:]), None]
    assert sum(one.differing for one in found.compared) == 0
    memories = {XCUP: "RAMB18E2", XC7: "RAMB18E1", ECP5: "DP16KD"}
    assert memories[family] in found.own_models


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["packed", "lut"])
@pytest.mark.parametrize("family", [XCUP, XC7, ECP5])
def test_packed_products_and_those_in_luts_survive_the_mapping(family, kind, tmp_path):
    graph = with_multipliers(fold(small(), 300), kind, family)
    assert graph["only"].multipliers.kind == kind
    found = whole_check(graph, family, tmp_path)
    assert found.left == ()
    assert sum(one.differing for one in found.compared) == 0


@pytest.mark.slow
def test_a_design_with_ultraram_gives_the_same_integers(tmp_path):
    graph = StreamGraph("large", (
        Input("image", (), Shape(5, 6, 8), PIXEL),
        convolution("only", "image", 8, 2, (5, 6), PIXEL, seed=1, window=Window((1, 1))),
    ))
    graph = replace(fold(graph, 240), fifo_depths={"image->only": 8192})
    frames = frames_for(graph, 20)
    design = generate(graph, tmp_path / "verilog")
    mapped = map_design(design, MappingOptions(XCUP), tmp_path / "mapped", large_memories=["top"])
    found = check_netlist(design, replace(mapped, layers={"top": mapped.layers["top"]}), XCUP,
                          execute(graph, frames), tmp_path / "netlist", stalls=_STALLS)
    assert mapped.total.uram > 0
    assert "URAM288" in found.own_models
    assert found.compared == (Compared(None, 20 * 5 * 6 * 2, 0, 20 * 5 * 6 * 2),)


_MEMORY = """
module memory(input clk, we, input [{last}:0] at, from, input [{top}:0] d, output reg [{top}:0] q, r);
reg [{top}:0] ram [0:{words}-1], rom [0:{words}-1];
integer n;
initial for (n = 0; n < {words}; n = n + 1) rom[n] = n * 40503 + 977;
always @(posedge clk) if (we) ram[at] <= d;
always @(posedge clk) begin q <= ram[from]; r <= rom[from]; end
endmodule
"""

_BENCH = """
#include "design.h"
#include <cstdint>
#include <cstdio>
#include "verilated.h"
int main() {
    Design d;
    std::FILE* out = std::fopen("out.txt", "w");
    for (uint32_t n = 0; n < 4000; ++n) {
        // Verilator takes ports' values as they are, beyond their widths too.
        d.clk = 0; d.we = n % 3 != 0; d.at = n * 7 % WORDS; d.from = (n < 2000 ? n * 5 : n * 7 - 21) % WORDS;
        d.d = n * 2654435761u & (~0ull >> (64 - WIDTH));
        d.eval(); d.clk = 1; d.eval();
        std::fprintf(out, "%llx %llx\\n", (unsigned long long)d.q, (unsigned long long)d.r);
    }
    std::fclose(out);
}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("family", "width", "words"), [
    (XCUP, 9, 2048), (XCUP, 18, 2048), (XCUP, 36, 1024), (XCUP, 1, 16384), (XCUP, 4, 4096),
    (XC7, 18, 1024), (XC7, 36, 1024), (ECP5, 9, 2048), (ECP5, 18, 1024), (ECP5, 36, 512), (ECP5, 4, 4096),
    (XCUP, 64, 8192),
])
def test_memories_of_every_width_read_what_was_written(family, width, words, tmp_path):
    """Block memories of the part, as Yosys instantiates them, against arrays in numpy."""
    from quantunet_hls.core.files import read_json
    from quantunet_hls.core.open_tools import run_yosys
    from quantunet_hls.rtl.synthesize.module import mapping_script

    (tmp_path / "memory.v").write_text(_MEMORY.format(last=words.bit_length() - 2, top=width - 1, words=words))
    script = tmp_path / "map.ys"
    large = width > 36
    script.write_text(mapping_script("memory", MappingOptions(family, uram=large)))
    run_yosys(script, tmp_path / "log")
    cells = set(read_json(tmp_path / "memory.stat.json")["design"]["num_cells_by_type"])
    assert cells & {"RAMB18E2", "RAMB36E2", "RAMB18E1", "RAMB36E1", "DP16KD"}
    assert ("URAM288" in cells) == large
    program = verilate("memory", [tmp_path / "memory.netlist.v", *cell_models(family, cells, tmp_path)],
                       tmp_path / "program", _BENCH, '#pragma once\n#include "Vdesign.h"\nusing Design = Vdesign;\n'
                       f"constexpr unsigned WORDS = {words}, WIDTH = {width};\n", optimize=False)
    run([program], log=tmp_path / "run.log", cwd=tmp_path)
    seen = np.array([[int(value, 16) for value in line.split()]
                     for line in (tmp_path / "out.txt").read_text().splitlines()])
    mask, ram, known = (1 << width) - 1, {}, 0
    for n, (q, r) in enumerate(seen):
        at, source = (n * 7) % words, ((n * 5 if n < 2000 else n * 7 - 21) & 0xFFFFFFFF) % words
        assert r == (source * 40503 + 977) & mask
        if source in ram:
            assert q == ram[source]
            known += 1
        if n % 3:
            ram[at] = (n * 2654435761) & 0xFFFFFFFF & mask
    assert known > 500


_URAM = """
module top(input clk, we, rst, input [71:0] d, output [71:0] at_once, at_clock);
wire [71:0] unused_0, unused_1;
URAM288 #(.RST_MODE_A("SYNC"), .RST_MODE_B("ASYNC")) one (
    .CLK(clk), .EN_A(1'b1), .RDB_WR_A(we), .ADDR_A(23'd5), .BWE_A(9'h1ff), .DIN_A(d), .RST_A(1'b0), .DOUT_A(unused_0),
    .EN_B(1'b1), .RDB_WR_B(1'b0), .ADDR_B(23'd5), .RST_B(rst), .DOUT_B(at_once));
URAM288 #(.RST_MODE_A("ASYNC"), .RST_MODE_B("SYNC")) other (
    .CLK(clk), .EN_A(1'b1), .RDB_WR_A(we), .ADDR_A(23'd5), .BWE_A(9'h1ff), .DIN_A(d), .RST_A(1'b0), .DOUT_A(unused_1),
    .EN_B(1'b1), .RDB_WR_B(1'b0), .ADDR_B(23'd5), .RST_B(rst), .DOUT_B(at_clock));
endmodule
"""

_URAM_BENCH = """
#include "design.h"
#include <cstdio>
#include "verilated.h"
static Design d;
static std::FILE* out;
static void show() { std::fprintf(out, "%x %x\\n", d.at_once[0], d.at_clock[0]); }
static void tick() { d.clk = 0; d.eval(); d.clk = 1; d.eval(); show(); }
int main() {
    out = std::fopen("out.txt", "w");
    d.rst = 0; d.d[0] = 0x1234; d.we = 1; tick();
    d.we = 0; tick();
    d.rst = 1; d.eval(); show();
    tick();
    d.rst = 0; d.eval(); show();
    tick();
    std::fclose(out);
}
"""


@pytest.mark.slow
def test_a_reset_of_ultraram_is_as_its_mode_says(tmp_path):
    (tmp_path / "top.v").write_text(_URAM)
    program = verilate("top", [tmp_path / "top.v", *cell_models(XCUP, {"URAM288"}, tmp_path)], tmp_path / "program",
                       _URAM_BENCH, '#pragma once\n#include "Vdesign.h"\nusing Design = Vdesign;\n',
                       optimize=False)
    run([program], log=tmp_path / "run.log", cwd=tmp_path)
    # Written, read; reset before the clock, at the clock; released, read again.
    assert (tmp_path / "out.txt").read_text().split() == [
        "1234", "1234", "1234", "1234", "0", "1234", "0", "0", "0", "0", "1234", "1234"]
