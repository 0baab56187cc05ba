import pytest

from quantunet_hls.errors import BoardError, ConfigurationError
from quantunet_hls.rtl.folding import fold
from quantunet_hls.rtl.graph import Input, Shape, StreamGraph
from quantunet_hls.rtl.multipliers import with_multipliers
from quantunet_hls.rtl.netlist import check_netlist
from quantunet_hls.rtl.stitch import generate
from tests.rtl.graphs import PIXEL, convolution, every_kind, frames_for


def small():
    graph = StreamGraph("gates", (
        Input("image", (), Shape(5, 6, 2), PIXEL),
        convolution("only", "image", 2, 4, (5, 6), PIXEL, seed=1),
    ))
    return fold(graph, 600)


def test_the_netlist_of_a_small_net_gives_the_same_integers(tmp_path):
    graph = small()
    design = generate(graph, tmp_path / "verilog", probes=True)
    found = check_netlist(design, "xcup", frames_for(graph, 2), tmp_path / "netlist")
    assert found.check.equal
    assert "multipliers in LUTs" in found.covers


@pytest.mark.slow
@pytest.mark.parametrize("family", ["xc7", "xcup"])
def test_the_netlist_of_every_layer_kind_gives_the_same_integers(family, tmp_path):
    graph = fold(every_kind(), 4000)
    design = generate(graph, tmp_path / "verilog", probes=True)
    assert check_netlist(design, family, frames_for(graph, 2), tmp_path / "netlist").check.equal


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["packed", "lut"])
def test_packed_products_and_those_in_luts_survive_the_mapping(kind, tmp_path):
    graph = with_multipliers(fold(small(), 300), kind, "xc7")
    assert graph["only"].multipliers.kind == kind
    design = generate(graph, tmp_path / "verilog", probes=True)
    assert check_netlist(design, "xc7", frames_for(graph, 2), tmp_path / "netlist").check.equal


def test_what_has_no_models_or_no_probes_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="with probes"):
        check_netlist(generate(small(), tmp_path), "xcup", frames_for(small(), 1), tmp_path)
    with pytest.raises(BoardError, match="no cell models for the family 'ecp5'"):
        check_netlist(generate(small(), tmp_path, probes=True), "ecp5", frames_for(small(), 1), tmp_path)
