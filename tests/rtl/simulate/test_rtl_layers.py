"""The RTL of every layer by itself, beside the whole design's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.core.errors import OverTimeError
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.netlist_layers import Compared
from quantunet_hls.rtl.simulate.rtl_layers import check_rtl_layers, whole_seconds
from quantunet_hls.rtl.simulate.verilator import build_simulator
from tests.rtl.graphs import PIXEL, convolution, every_kind, frames_for


def network(seed=8):
    return StreamGraph("apart", (
        Input("image", (), Shape(4, 5, 1), PIXEL),
        convolution("first", "image", 1, 2, (4, 5), PIXEL, seed=1),
        convolution("second", "first", 2, 1, (4, 5), convolution("x", "y", 1, 1, (3, 3), PIXEL).type, seed=seed),
    ))


@pytest.mark.slow
def test_a_layer_that_is_wrong_is_found_and_named(tmp_path, monkeypatch):
    graph = network()
    frames, told = frames_for(graph, 2), []
    design, codes = generate(graph, tmp_path / "verilog"), execute(graph, frames)
    found = check_rtl_layers(design, codes, tmp_path / "layers", progress=lambda name, compared: told.append(name))
    assert found == (Compared("first", 80, 0, 80), Compared("second", 40, 0, 40))
    assert sorted(told) == ["first", "second"]
    # The whole design gives the same, in integers as small as they may be.
    whole = build_simulator(generate(graph, tmp_path / "verilog", probes=True), tmp_path / "whole", traced=True)
    seen = whole.run(frames).codes(graph, frames)
    assert {name: (seen[name] == codes[name]).all() for name in codes} == dict.fromkeys(codes, True)
    assert seen["first"].dtype == np.uint8
    # Other weights in one layer's Verilog: that one is simulated again, and is wrong; the other one's result is kept.
    other, built = generate(network(seed=6), tmp_path / "other"), []
    wrong = replace(design, files={**design.files, "apart_second": other.files["apart_second"]})
    together = "quantunet_hls.rtl.simulate.layer_simulation.verilate_together"
    from quantunet_hls.rtl.simulate.program import verilate_together

    def build(parts, *arguments, **settings):
        built.extend(part.top for part in parts)
        return verilate_together(parts, *arguments, **settings)

    monkeypatch.setattr(together, build)
    first, second = check_rtl_layers(wrong, codes, tmp_path / "layers")
    assert (first.differing, second.differing > 0, built) == (0, True, ["apart_second"])
    monkeypatch.setattr(together, None)
    assert check_rtl_layers(design, codes, tmp_path / "layers") == found
    with pytest.raises(TypeError):
        check_rtl_layers(design, {**codes, "second": codes["second"] + 1}, tmp_path / "layers")


@pytest.mark.slow
def test_layers_of_every_kind_are_simulated_alone(tmp_path):
    graph = every_kind()
    frames = frames_for(graph, 2)
    found = check_rtl_layers(generate(graph, tmp_path / "verilog"), execute(graph, frames), tmp_path / "layers")
    assert [one.layer for one in found] == [layer.name for layer in graph.inner]
    assert all(one.differing == 0 and one.values == one.all_values for one in found)


@pytest.mark.slow
def test_a_layer_that_takes_too_long_is_stopped_and_named(tmp_path):
    graph = network()
    graph = StreamGraph("apart", graph.layers[:2])
    codes = execute(graph, frames_for(graph, 1))
    with pytest.raises(OverTimeError, match=r"layer 'first' alone did not end within .* more minutes an image\.$"):
        check_rtl_layers(generate(graph, tmp_path / "verilog"), codes, tmp_path / "layers", limit_s=1e-6)


def test_what_a_whole_frame_takes_grows_with_multipliers_and_clocks():
    small = network()
    many = small.with_layers({"first": replace(small["first"], lanes=2)})
    assert 0 < whole_seconds(small) < whole_seconds(many)
