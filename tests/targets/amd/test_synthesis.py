import re

import pytest

from quantunet_hls.core.files import write_text
from quantunet_hls.core.open_tools import run_yosys, yosys_version
from quantunet_hls.rtl.synthesize.module import MappingOptions, mapping_script
from quantunet_hls.targets.ecp5 import ECP5
from quantunet_hls.targets.xc7 import XC7
from quantunet_hls.targets.xcu import XCU
from quantunet_hls.targets.xcup import XCUP

# Of each memory that a mapping knows one, contents in two of them, and a product.
_MODULE = """
module every(input clk, we, input [13:0] at, from, input [71:0] d, output reg [71:0] block, large,
             output reg [15:0] rom, output [7:0] table_, output reg [23:0] few, output reg signed [21:0] product);
  reg [71:0] blocks [0:1023], larges [0:4095];
  (* rom_style = "block" *) reg [15:0] roms [0:2047];
  reg [23:0] fews [0:31];
  initial $readmemh("content.hex", roms);
  always @(posedge clk) begin
    if (we) begin blocks[at] <= d; larges[at] <= d; fews[at] <= d; end
    block <= blocks[from]; large <= larges[from]; rom <= roms[from]; few <= fews[from];
    product <= $signed(d[9:0]) * $signed(d[31:20]);
  end
  assign table_ = d[7:0] + d[15:8];
endmodule
"""


def _netlist(folder, options, library):
    write_text(folder / "every.v", _MODULE)
    # Odd, so that no bit of a word, its parity's neither, is that of another.
    write_text(folder / "content.hex", "\n".join(f"{n * 40503 % (1 << 16):04x}" for n in range(2048)))
    for name, text in library.files.items() if library else ():
        write_text(folder / name, text)
    write_text(folder / "map.ys", mapping_script("every", options, library=library))
    run_yosys(folder / "map.ys", folder / "log")
    netlist = (folder / "every.netlist.v").read_text()
    return options.family.synthesis.netlist(netlist) if library else netlist


def _unnumbered(netlist):
    return sorted(re.sub(r"\b_\d+_\b", "_", line) for line in netlist.splitlines())


_RENUMBERED = (MappingOptions(XC7), MappingOptions(XCU, bram=False))


@pytest.mark.parametrize("options", [
    MappingOptions(XCUP),
    pytest.param(MappingOptions(XCUP, dsp=False, uram=True), marks=pytest.mark.slow),
    pytest.param(MappingOptions(XCU, bram=False), marks=pytest.mark.slow),
    pytest.param(MappingOptions(XCU), marks=pytest.mark.slow),
    pytest.param(MappingOptions(XC7), marks=pytest.mark.slow),
    pytest.param(MappingOptions(XC7, dsp=False), marks=pytest.mark.slow),
], ids=str)
def test_the_netlist_is_that_of_the_whole_library(options, tmp_path):
    library = options.family.synthesis.library(yosys_version())
    assert library is not None
    fast = _netlist(tmp_path / "fast", options, library)
    whole = _netlist(tmp_path / "whole", options, None)
    if options in _RENUMBERED:
        # Read in another order, helper signals have other numbers; nothing else differs.
        assert _unnumbered(fast) == _unnumbered(whole)
    else:
        assert fast == whole
    for cell, there in (("DSP48", options.dsp), ("URAM288", options.uram), ("RAM32", True)):
        assert (cell in fast) == there
    # The ROM asks for its block by an attribute, and gets it whatever the others may have.
    blocks = len(re.findall(r"^  RAMB\d+E\d ", fast, re.MULTILINE))
    assert blocks > 1 if options.bram else blocks == 1


def test_what_was_not_tried_is_read_whole():
    assert XCUP.synthesis.library("0.71") is None
    assert ECP5.synthesis.library("0.70") is None
    texts = XCUP.synthesis.library("0.70").files
    assert not [name for name, text in texts.items() if "slice_init" in text or "init_slice" in text]


@pytest.mark.parametrize("width", [18432, 36864])
def test_a_blocks_content_is_cut_into_the_parameters_that_it_has(width):
    words = [n * 40503 % 512 for n in range(width // 9)]
    content = sum(word << 9 * at for at, word in enumerate(words))
    netlist = f"  RAMB36E2 #(\n    .A(32'sd0),\n    .INIT({width}'h{content:0{width // 4}x}),\n    .INIT_A(72'h0)\n"
    lines = XCUP.synthesis.netlist(netlist).splitlines()
    assert (lines[1], lines[-1]) == ("    .A(32'sd0),", "    .INIT_A(72'h0)")
    parameters = re.findall(r"^    \.(INITP?_[0-9A-F]{2})\(256'h(\w{64})\),$", "\n".join(lines), re.MULTILINE)
    found = {name: int(digits, 16) for name, digits in parameters}
    assert len(found) == len(lines) - 3 == width // 9 // 32 + width // 9 // 256
    assert list(found) == sorted(found)
    for at, word in enumerate(words):
        data = found[f"INIT_{at // 32:02X}"] >> at % 32 * 8 & 255
        assert data | (found[f"INITP_{at // 256:02X}"] >> at % 256 & 1) << 8 == word


def test_what_is_not_known_of_a_content_stays_unknown():
    unknown = XCUP.synthesis.netlist(f"    .INIT(18432'h{'x' * 4608})\n")
    assert re.findall(r"256'(.*?)\)", unknown) == ["h" + "x" * 64] * 72
    half = XCUP.synthesis.netlist(f"    .INIT(18432'b{'x' * 18431}1)\n")
    assert f".INIT_00(256'b{'x' * 255}1)" in half
