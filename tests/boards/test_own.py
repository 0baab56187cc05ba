"""Boards of the user's: a folder of them, or one file."""

import json

import pytest
from click.testing import CliRunner

from quantunet_hls import boards
from quantunet_hls.cli.boards import boards as command
from quantunet_hls.core.errors import BoardError, ConfigurationError, UnknownNameError

MINE = {"title": "My own board", "family": "xc7", "part": "xc7a200tfbg484-1", "clock_ns": 8,
        "resources": {"lut": 133800, "dsp": 740, "bram_18k": 730}}
PIN = {"port": "clk", "sites": ["A1"], "options": "IO_TYPE=LVCMOS33"}
LINE = {"clock_mhz": 12, "clock": PIN, "receive": {"port": "rx", "sites": ["A2"]},
        "transmit": {"port": "tx", "sites": ["A3"]}}
LATTICE = {"title": "My own board", "family": "ecp5", "part": "LFE5U-25F-6BG256C", "clock_ns": 20}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTUNET_HLS_BOARDS", str(tmp_path))
    return tmp_path


def write(path, facts=MINE, **changes):
    path.write_text(json.dumps({key: value for key, value in {**facts, **changes}.items() if value is not None}))
    return path


def test_a_board_of_ones_own_is_in_the_catalogue(folder):
    write(folder / "mine.json")
    board = boards.load("mine")
    assert (board.name, board.title, board.part, board.clock_ns) == ("mine", "My own board", MINE["part"], 8)
    # What the file does not say, the family of its part does.
    assert (board.vendor, board.series, board.toolchains) == ("AMD", "Artix-7", ("vitis", "vivado", "open"))
    assert (board.resources.lut, board.resources.ff) == (133_800, None)
    assert "mine" in boards.names()
    assert boards.load("zcu104").vendor == "AMD"
    output = CliRunner().invoke(command, [], env={"COLUMNS": "120"}, catch_exceptions=False).output
    assert " mine " in output
    assert "133,800" in output


def test_a_file_that_changed_is_read_anew(folder):
    write(folder / "mine.json")
    assert boards.load("mine").resources.dsp == 740
    write(folder / "mine.json", resources={"dsp": 12})
    assert boards.load("mine").resources.dsp == 12


def test_ones_own_board_hides_one_of_the_package(folder):
    write(folder / "zcu104.json")
    assert boards.load("zcu104").title == "My own board"
    assert boards.names().count("zcu104") == 1
    # A bare part's resources stay those of the data sheet.
    assert boards.for_part("xczu7ev-ffvc1156-2-e").resources.dsp == 1728


def test_a_board_is_taken_from_a_path(tmp_path, monkeypatch):
    path = write(tmp_path / "mine.json")
    assert boards.load(str(path)).name == "mine"
    monkeypatch.chdir(tmp_path)
    assert boards.load("./mine.json") == boards.load("mine.json") == boards.load(str(path))
    with pytest.raises(ConfigurationError, match=r"no board file \./yours\.json"):
        boards.load("./yours.json")
    with pytest.raises(UnknownNameError):
        boards.load("yours.json")


@pytest.mark.parametrize(("changes", "said"), [
    ({"part": None}, "lacks the key part"),
    ({"resources": {"lut": -1}}, "resources.lut"),
    ({"resources": {"luts": 1}}, "resources.luts is no key of it; did you mean lut"),
    ({"resources": {"lut": "many"}}, "resources.lut must be a whole number"),
    ({"clock_ns": 0}, "clock_ns"),
    ({"colour": "green"}, "colour is no key of it"),
    ({"family": "xc8"}, "no part family named 'xc8'.*xc7"),
    ({"family": "ecp5"}, "'xc7a200tfbg484-1' is not of the family ecp5"),
    ({"part": "xc7a200t;exit"}, "can't be the name of a part"),
    ({"memory": [{"kind": "DDR3", "megabytes": 512, "attached_to": "wall"}]}, "attached_to"),
    ({"serial_line": LINE}, "no PLL or no open place and route for 7-series"),
])
def test_a_file_that_is_no_board_is_refused_in_a_sentence(changes, said, tmp_path):
    path = write(tmp_path / "mine.json", **changes)
    with pytest.raises(ConfigurationError, match=rf"(?s)mine\.json.*{said}"):
        boards.load(str(path))


@pytest.mark.parametrize(("changes", "said"), [
    ({"clock": {"port": "rx", "sites": ["A1"]}}, "port rx twice"),
    ({"clock": {"port": "clk", "sites": ["A2"]}}, "site A2 twice"),
    ({"reset": {"port": "button", "sites": ["B1", "B2"]}}, "button is one bit with 2 sites"),
    ({"clock": {"port": "clk; x", "sites": ["A1"]}}, "clock.port"),
    ({"clock": {"port": "clk", "sites": ['A1"']}}, r"clock.sites\[0\]"),
    ({"configuration": 'MODE=1";'}, "configuration"),
    ({"lights": {"port": "led", "sites": []}}, "lights.sites"),
])
def test_pins_are_names_and_each_bit_has_its_own(changes, said, tmp_path):
    path = write(tmp_path / "mine.json", LATTICE, serial_line={**LINE, **changes})
    with pytest.raises(ConfigurationError, match=said):
        boards.load(str(path))


def test_a_serial_line_needs_neither_button_nor_lights(tmp_path):
    board = boards.load(str(write(tmp_path / "mine.json", LATTICE, serial_line=LINE)))
    assert [port.port for port in board.serial_line.ports] == ["clk", "tx", "rx"]


def test_a_part_is_of_the_family_that_the_file_names(tmp_path):
    with pytest.raises(BoardError, match="which has Zynq-7000"):
        boards.load(str(write(tmp_path / "mine.json", part="xczu7ev-ffvc1156-2-e")))
