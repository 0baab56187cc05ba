"""Mapped netlists of layers with loaded weights: with the memories' models they take the file and compute with it."""

from dataclasses import replace

import pytest

from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.multipliers import in_fabric, with_multipliers
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.fold.storage import all_loaded, widths_for
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.harness import Stalls
from quantunet_hls.rtl.simulate.netlist import ALL, check_netlist
from quantunet_hls.rtl.synthesize.mapping import MappingOptions, map_design
from quantunet_hls.targets.memories import layout
from quantunet_hls.targets.xcup import XCUP
from tests.rtl.graphs import CODE, PIXEL, convolution, frames_for


def network(*, ultra):
    """A layer with 288 words of weights, one with few."""
    graph = StreamGraph("gates", (
        Input("image", (), Shape(3, 4, 16), PIXEL),
        convolution("large", "image", 16, 16, (3, 4), PIXEL, seed=1),
        convolution("small", "large", 16, 2, (3, 4), CODE, seed=2),
    ))
    graph = all_loaded(fold(graph, 12 * 288), any_weights=True)
    form = replace(widths_for(graph["large"], any_weights=True), ultra=ultra)
    return with_multipliers(graph.with_layers({"large": graph["large"].loaded_as(form)}), "packed", XCUP)


@pytest.mark.slow
@pytest.mark.parametrize(("ultra", "cell"), [(False, "RAMB18E2"), (True, "URAM288")])
def test_the_netlist_takes_the_file_and_gives_the_same_integers(ultra, cell, tmp_path):
    graph = network(ultra=ultra)
    frames = frames_for(graph, 2)
    expected = execute(graph, frames)
    design = generate(graph, tmp_path / "verilog")
    mapped = map_design(design, MappingOptions(XCUP), tmp_path / "mapped", lut_multipliers=in_fabric(graph))
    assert mapped.layers["large"].cells[cell]
    assert mapped.layers["large"].count.uram == layout(graph["large"].weight_memory, XCUP).ultra
    found = check_netlist(design, mapped, XCUP, expected, tmp_path / "netlist", extent=ALL,
                          stalls=Stalls(0.2, 0.2))
    assert [one.layer for one in found.compared] == ["large", "small", None]
    assert all(one.differing == 0 and one.values == one.all_values for one in found.compared)
    # Without its file it computes something else.
    none = graph.with_layers({"large": replace(graph["large"], weights=graph["large"].weights * 0)})
    wrong = check_netlist(replace(design, graph=none), mapped, XCUP, expected, tmp_path / "netlist", extent=ALL,
                          stalls=Stalls(0.2, 0.2))
    assert wrong.compared[0].differing
