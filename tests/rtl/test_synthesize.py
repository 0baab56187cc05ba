import pytest

from quantunet_hls.boards import load
from quantunet_hls.errors import BoardError, ConfigurationError
from quantunet_hls.reports.schema import Source
from quantunet_hls.rtl.folding import fold
from quantunet_hls.rtl.graph import Input, Shape, StreamGraph
from quantunet_hls.rtl.report import layer_reports, mapped_figures
from quantunet_hls.rtl.stitch import generate
from quantunet_hls.rtl.synthesize import CellCount, MappingOptions, check_fits, count_cells, map_design
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
    return map_design(design, MappingOptions("xcup"), cache), cache


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
    again = map_design(design, MappingOptions("xcup"), cache)
    assert all(module.reused for module in again.layers.values())
    assert again.total == first.total
    fabric = map_design(design, MappingOptions("xcup"), cache, lut_multipliers=["second"])
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


def test_designs_that_cannot_be_mapped_are_refused(design, tmp_path):
    probed = generate(design.graph, tmp_path, probes=True)
    with pytest.raises(ConfigurationError, match="probes"):
        map_design(probed, MappingOptions("xcup"), tmp_path)
    with pytest.raises(BoardError, match="'versal'"):
        map_design(design, MappingOptions("versal"), tmp_path)
    with pytest.raises(BoardError, match=r"takes 3000 DSP, but .* has 1728"):
        check_fits(CellCount(lut=1000, dsp=3000), load("zcu104"))
    check_fits(CellCount(lut=1000, dsp=1000), load("zcu104"))


def test_cells_are_counted_as_the_catalogue_counts_them():
    cells = {"LUT6": 3, "INV": 1, "RAM32M16": 2, "SRL16E": 4, "FDRE": 5, "FDSE": 1, "RAMB36E2": 2, "RAMB18E2": 1,
             "DSP48E2": 6, "CARRY4": 7, "URAM288": 1, "MUXF7": 9}
    assert count_cells(cells) == CellCount(lut=24, ff=6, carry=7, dsp=6, bram_18k=5, uram=1, lutram=20)
    lattice = {"LUT4": 10, "CCU2C": 3, "TRELLIS_DPR16X4": 2, "TRELLIS_FF": 8, "MULT18X18D": 1, "DP16KD": 2}
    assert count_cells(lattice) == CellCount(lut=24, ff=8, carry=3, dsp=1, bram_18k=2, lutram=8)
