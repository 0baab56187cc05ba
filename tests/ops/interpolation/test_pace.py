"""Bilinear upsampling at every number of lanes: it can be fed, and keeps the pace of its results."""

from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.interpolation.onnx import places_of_mode
from quantunet_hls.ops.interpolation.stream import Interpolation
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.parallelism import with_safe_depths
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.verilator import build_simulator
from quantunet_hls.types.fixed import FixedType

CODE = FixedType(4, 2, False)


def upsampled(shape: Shape, mode: str, factor: int, lanes: int) -> StreamGraph:
    layers = [Input("image", (), shape, CODE, lanes=lanes)]
    for name, axis in (("rows", 0), ("columns", 1)):
        given, sizes = layers[-1], list(layers[-1].shape.axes)
        sizes[axis] *= factor
        layer = Interpolation(name, (given.name,), Shape(*sizes), given.type, given.shape, given.type, axis,
                              places_of_mode(mode, given.shape.axes[axis], sizes[axis]), 0, (), lanes=lanes)
        layers.append(replace(layer, type=layer.accumulator, stages=(Cast(layer.accumulator),)))
    return StreamGraph("net", tuple(layers))


@pytest.mark.parametrize("mode", ["half_pixel", "asymmetric", "align_corners"])
@pytest.mark.parametrize(("factor", "lanes"), [(2, 1), (2, 2), (2, 6), (3, 3), (4, 6)])
def test_it_can_be_fed(mode, factor, lanes):
    graph = with_safe_depths(upsampled(Shape(5, 7, 6), mode, factor, lanes))
    # Rows that wait while those before them are read again stand in the stream in front of the buffer.
    assert graph.fifo_depths["image->rows"] <= 7 * 6 // lanes + 4
    assert graph.fifo_depths["rows->columns"] <= 16


def test_large_images_can_be_fed():
    assert with_safe_depths(upsampled(Shape(96, 96, 1), "align_corners", 2, 1)).fifo_depths["image->rows"] < 200


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "factor", "lanes"), [("half_pixel", 2, 6), ("align_corners", 3, 2)])
def test_frames_follow_each_other_at_the_pace_of_the_results(mode, factor, lanes, tmp_path):
    graph = with_safe_depths(upsampled(Shape(5, 7, 6), mode, factor, lanes))
    simulator = build_simulator(generate(graph, tmp_path / "verilog"), tmp_path / "simulation")
    frames = np.random.default_rng(0).integers(0, 16, (5, 5, 7, 6))
    seen = simulator.run(frames)
    assert np.array_equal(seen.outputs, execute(graph, frames)["columns"])
    assert graph.cycles <= seen.cycles_per_frame <= 1.01 * graph.cycles
