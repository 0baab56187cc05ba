"""Weights that are read from external memory while the design computes: the same integers, however slow it is."""

from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ops.concat.stream import Concat
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.upsample.stream import Upsample
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.multipliers import with_multipliers
from quantunet_hls.rtl.fold.parallelism import fewest_cycles, fold, with_safe_depths
from quantunet_hls.rtl.fold.storage import all_loaded, loaded_like, streamed
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.harness import Stalls
from quantunet_hls.rtl.simulate.verilator import build_simulator, compare
from quantunet_hls.rtl.weights_file import memory_of, weights_of
from quantunet_hls.targets.xcup import XCUP
from tests.rtl.graphs import CODE, PIXEL, convolution, every_kind, frames_for, windows_tables_and_classes
from tests.rtl.simulate.test_loaded import LEVEL, requantizer


def network(seed):
    """Windows with padding and without, with a stride, of one pixel; requantizers of a slope a channel."""
    return StreamGraph("net", (
        Input("image", (), Shape(8, 8, 2), PIXEL, lanes=2),
        convolution("same", "image", 2, 4, (8, 8), PIXEL, seed=seed + 1, stages=(requantizer(4, 1, seed + 5),)),
        convolution("point", "same", 4, 6, (8, 8), LEVEL, seed=seed + 2, window=Window((1, 1)),
                    stages=(requantizer(6, 2, seed + 6),)),
        convolution("half", "point", 6, 4, (8, 8), LEVEL, seed=seed + 3,
                    window=Window((2, 2), (2, 2))),
        convolution("bare", "half", 4, 2, (4, 4), CODE, seed=seed + 4, window=Window((3, 2)),
                    stages=(Cast(CODE),)),
    ))


def design(seed=0):
    """Words of several beats, of less than one and of a part of one; blocks of one row and of all of them."""
    graph = loaded_like(network(seed), all_loaded(network(0), any_weights=True))
    graph = streamed(graph, {"same": 2, "point": 8, "half": 1, "bare": 2})
    changes = {"same": (2, 2), "point": (2, 4), "half": (4, 6), "bare": (1, 1)}
    return with_safe_depths(graph.with_layers({
        name: replace(graph[name], lanes=lanes, simd=simd) for name, (lanes, simd) in changes.items()}))


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streamed")
    return build_simulator(generate(design(), folder / "verilog", probes=True), folder / "simulation", traced=True)


#: Memory that answers at once; one that makes all wait, with everything else; and one that is far too slow.
MEMORIES = [Stalls(), Stalls(0.3, 0.3, 5, 0.3, 90), Stalls(seed=3, memory=0.98, latency=300)]


@pytest.mark.slow
@pytest.mark.parametrize("stalls", MEMORIES)
def test_however_memory_answers_the_integers_are_those_of_the_file_that_came_last(simulator, stalls):
    graphs = [design(seed) for seed in (0, 3)]
    assert graphs[0].digest() == graphs[1].digest()
    frames = frames_for(graphs[0], 5)
    seen = simulator.run(frames, stalls=stalls, weights=[(weights_of(graphs[0]), 2), (weights_of(graphs[1]), 3)],
                         memory=[memory_of(graph) for graph in graphs])
    first, second = (execute(network(seed), part) for seed, part in ((0, frames[:2]), (3, frames[2:])))
    expected = {name: np.concatenate([first[name], second[name]]) for name in first}
    compare(expected, {**seen.traces, "bare": seen.outputs}, graphs[0])
    assert all(len(set(codes.flat)) > 8 for codes in expected.values())


@pytest.mark.slow
def test_memory_that_is_fast_enough_costs_no_clock_and_a_slow_one_only_time(simulator):
    graph, frames = design(), frames_for(design(), 4)
    assert simulator.run(frames).cycles_per_frame == graph.cycles
    slow = simulator.run(frames, stalls=MEMORIES[-1])
    assert slow.cycles_per_frame > 1.5 * graph.cycles


@pytest.mark.slow
def test_other_weights_in_memory_than_the_files_are_told_before_a_value_leaves(simulator):
    graph, frames = design(), frames_for(design(), 1)
    image = memory_of(graph).copy()
    last = graph.feeding[-1].feed
    for word in (0, (len(image) * 4 - 4096) // 4 + 1, sum(layer.feed.room for layer in graph.feeding[:-1]) // 4
                 + 4 * last.beats - 1):
        changed = image.copy()
        changed[word] ^= 1
        with pytest.raises(ConfigurationError, match="in external memory are not those that the file"):
            simulator.run(frames, memory=[changed], quiet_limit=4000)
    with pytest.raises(ConfigurationError, match="in external memory are not those that the file"):
        simulator.run(frames, memory=[memory_of(design(3))], quiet_limit=4000)
    # It goes on with the next file.
    own = weights_of(graph)
    seen = simulator.run(frames, weights=[(own, 0), (own, 1)], memory=[changed, image])
    assert (seen.outputs == execute(network(0), frames)["bare"]).all()


def test_a_folding_in_which_weights_cannot_be_streamed_is_refused():
    graph = design()
    with pytest.raises(IllegalGraphError, match="blocks of 3 rows do not divide its 8 rows"):
        graph.with_layers({"same": replace(graph["same"], loaded=replace(graph["same"].loaded, rows=3))})
    with pytest.raises(IllegalGraphError, match="can't be streamed in this folding"):
        graph.with_layers({"same": replace(graph["same"], simd=18)})


def branches():
    """A skip connection beside layers that compute block by block."""
    return StreamGraph("branches", (
        Input("image", (), Shape(8, 8, 2), PIXEL),
        convolution("top", "image", 2, 4, (8, 8), PIXEL, seed=1),
        Pooling("pool", ("top",), Shape(4, 4, 4), CODE, Shape(8, 8, 4), CODE, Window((2, 2), (2, 2)), "max",
                (Cast(CODE),), slack=8),
        convolution("deep", "pool", 4, 8, (4, 4), CODE, seed=2),
        convolution("deeper", "deep", 8, 4, (4, 4), CODE, seed=3),
        Upsample("up", ("deeper",), Shape(8, 8, 4), CODE, Shape(4, 4, 4), (2, 2)),
        Concat("both", ("top", "up"), Shape(8, 8, 8), CODE, (4, 4)),
        convolution("head", "both", 8, 1, (8, 8), CODE, seed=4, window=Window((1, 1)), stages=(Cast(CODE),)),
    ))


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 2, 4])
def test_no_skip_connection_is_too_short_for_blocks_of_rows(rows, tmp_path):
    folded = fold(branches(), fewest_cycles(branches()) * 8)
    graph = with_safe_depths(streamed(folded, {"deep": rows, "deeper": rows}))
    simulator = build_simulator(generate(graph, tmp_path, probes=True), tmp_path / "simulation", traced=True)
    frames = frames_for(graph, 6)
    for stalls in (Stalls(), Stalls(0.3, 0.3, 7, 0.2, 50)):
        seen = simulator.run(frames, stalls=stalls)
        compare(execute(branches(), frames), {**seen.traces, "head": seen.outputs}, graph)
        if not stalls.input:
            assert seen.cycles_per_frame <= 1.02 * graph.cycles


@pytest.mark.slow
@pytest.mark.parametrize("made", [every_kind, windows_tables_and_classes])
def test_every_kind_of_layer_beside_streamed_ones(made, tmp_path):
    folded = with_multipliers(fold(made(), 3 * fewest_cycles(made())), "packed", XCUP)
    names = [layer.name for layer in weighted(folded) if layer.streamable]
    graph = streamed(folded, {name: folded[name].shape.height for name in names}, any_weights=True)
    graph = with_safe_depths(with_multipliers(graph, "packed", XCUP))
    assert names
    simulator = build_simulator(generate(graph, tmp_path, probes=True), tmp_path / "simulation", traced=True)
    frames = frames_for(graph, 3)
    seen = simulator.run(frames, stalls=Stalls(0.2, 0.2, 4, 0.4, 60))
    compare(execute(made(), frames), {**seen.traces, graph.output.name: seen.outputs}, graph)
