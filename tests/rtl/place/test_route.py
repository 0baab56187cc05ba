from collections import Counter
from dataclasses import replace

import pytest

from quantunet_hls.boards import for_part, load
from quantunet_hls.core.errors import BoardError
from quantunet_hls.core.files import read_json
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.integrate.serial_line import map_top, place_whole
from quantunet_hls.rtl.place.route import place_and_route
from quantunet_hls.rtl.report import placed_figures
from quantunet_hls.rtl.synthesize.mapping import MappingOptions, map_design
from quantunet_hls.targets.ecp5 import ECP5
from tests.rtl.graphs import every_kind


def test_other_parts_are_refused(tmp_path):
    with pytest.raises(BoardError, match="ECP5 only"):
        place_and_route("top", [], load("zcu104"), tmp_path)
    with pytest.raises(BoardError, match="does not know the ECP5 LFE5U-99F"):
        place_and_route("top", [], for_part("LFE5U-99F-6BG381C"), tmp_path)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """Every kind of layer for the ULX3S, without the board's top."""
    folder = tmp_path_factory.mktemp("mapped")
    design = generate(fold(every_kind(), 4000), folder / "verilog")
    return design, map_design(design, MappingOptions(ECP5), folder / "cache")


@pytest.mark.slow
def test_every_kind_is_placed_and_routed_and_gets_a_bitstream(mapped, tmp_path):
    board = load("ulx3s-85f")
    design, netlists = mapped
    placed = place_and_route(design.top, [module.netlist for module in netlists.layers.values()], board, tmp_path)
    assert placed.bitstream.stat().st_size > 100_000
    assert placed.clock_mhz > board.clock_mhz
    # The cells that were counted are those that were placed.
    linked = read_json(tmp_path / "netlist.json")["modules"][design.top]["cells"].values()
    cells = Counter(cell["type"] for cell in linked)
    assert cells == sum((Counter(module.cells) for module in netlists.layers.values()), Counter())
    figures = {figure.name: figure for figure in placed_figures(placed)}
    total = netlists.total
    assert (figures["dsp"].value, figures["bram_18k"].value, figures["ff"].value) == (
        total.dsp, total.bram_18k, total.ff)
    assert total.lut <= figures["lut"].value < figures["lut"].available


@pytest.mark.slow
def test_the_boards_top_is_mapped_around_the_design(mapped, tmp_path):
    board = load("ulx3s-85f")
    design, netlists = mapped
    whole = map_top(design, board, tmp_path)
    assert whole.cells["EHXPLLL"] == 1
    assert "ICP_CURRENT" in whole.netlist.read_text()
    layers = {**netlists.layers, "board": whole}
    placed = place_whole(design, replace(netlists, layers=layers), board, tmp_path / "placed")
    figures = {figure.name: figure.value for figure in placed_figures(placed)}
    total = netlists.total + whole.count
    assert (figures["dsp"], figures["bram_18k"], figures["ff"]) == (total.dsp, total.bram_18k, total.ff)
