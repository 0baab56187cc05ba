"""Chains of windows of any stride, padding and dilation run at the pace of their folding, to the clock."""

from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.ops.convolution.stream import Grouped
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.parallelism import cycle_choices, fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.verilator import build_simulator
from tests.rtl.graphs import CODE, PIXEL, RELU, convolution, frames_for


def random_window(random, size):
    """A window with two places or more in each direction of an image."""
    while True:
        kernel = tuple(int(count) for count in random.integers(1, 4, 2))
        dilation = tuple(int(step) for step in random.integers(1, 3, 2))
        sides = [int(random.integers(step * (count - 1) + 1)) for count, step in zip(kernel, dilation, strict=True)
                 for _ in range(2)]
        stride = tuple(int(step) for step in random.integers(1, 4, 2))
        window = Window(kernel, stride, tuple(sides), dilation)
        if min(window.output(Shape(*size, 1))) >= 2:
            return window


def random_chain(random):
    """Three layers with windows, behind one another."""
    shape = Shape(int(random.integers(8, 17)), int(random.integers(8, 17)), int(random.choice([1, 2, 4])))
    layers = [Input("image", (), shape, PIXEL)]
    for place in range(3):
        last, name = layers[-1], f"layer{place}"
        window = random_window(random, (last.shape.height, last.shape.width))
        size, channels = window.output(last.shape), last.shape.channels
        kind = random.integers(3) if place else 0
        if kind == 0:
            made = convolution(name, last.name, channels, int(random.choice([1, 2, 4, 6])),
                               (last.shape.height, last.shape.width), last.type, window=window, seed=place)
        elif kind == 1:
            made = Grouped(name, (last.name,), Shape(*size, channels), CODE, last.shape, last.type, window,
                             random.integers(-7, 8, (*window.kernel, 1, channels)), random.integers(-50, 50, channels),
                             last.type.fraction + 4, RELU)
        else:
            made = Pooling(name, (last.name,), Shape(*size, channels), last.type, last.shape, last.type, window, "max",
                           (Cast(last.type),))
        layers.append(replace(made, slack=last.burst))
    return StreamGraph("chain", tuple(layers))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_no_clock_is_lost_to_windows_that_jump(seed, tmp_path):
    random = np.random.default_rng(seed)
    graph = random_chain(random)
    choices = cycle_choices(graph)
    graph = fold(graph, int(random.choice(choices[: len(choices) // 2 + 1])))
    frames = frames_for(graph, 4)
    seen = build_simulator(generate(graph, tmp_path / "verilog"), tmp_path / "simulation").run(frames)
    assert np.array_equal(seen.outputs, execute(graph, frames)[graph.output.name])
    assert seen.cycles_per_frame == graph.cycles
