import pytest

from quantunet_hls.boards import load
from quantunet_hls.errors import BoardError
from quantunet_hls.rtl.folding import fold
from quantunet_hls.rtl.place import place_ecp5
from quantunet_hls.rtl.report import placed_figures
from quantunet_hls.rtl.stitch import generate
from tests.rtl.graphs import every_kind


def test_other_parts_are_refused(tmp_path):
    with pytest.raises(BoardError, match="ECP5 only"):
        place_ecp5("top", [], load("zcu104"), tmp_path)


@pytest.mark.slow
def test_every_kind_is_placed_and_routed_and_gets_a_bitstream(tmp_path):
    board = load("ulx3s-85f")
    design = generate(fold(every_kind(), 4000), tmp_path / "verilog")
    placed = place_ecp5(design.top, list(design.files.values()), board, tmp_path / "placed")
    assert placed.bitstream.stat().st_size > 100_000
    assert placed.clock_mhz > board.clock_mhz
    figures = {figure.name: figure for figure in placed_figures(placed)}
    assert 0 < figures["lut"].value < figures["lut"].available
    assert figures["dsp"].value == sum(layer.mac_units for layer in design.graph.layers)
