"""FIFO depths from the schedule, in RTL simulation: nothing waits, nothing stands still, and less would not do."""

import math
from dataclasses import replace

import pytest

from quantunet_hls.folding import firings
from quantunet_hls.folding.schedule import SPARE, fifo_depths
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.generate.design import depth_of
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.simulate.harness import DeadlockError
from quantunet_hls.rtl.simulate.verilator import build_simulator
from tests.folding import whole_arrays
from tests.rtl.graphs import every_kind, frames_for
from tests.rtl.test_random_nets import random_unet


def folded(seed: int) -> StreamGraph:
    """A random U-Net; every seventh at each of seven speeds."""
    graph = random_unet(seed)
    slowest = max(layer.macs for layer in graph.layers)
    fastest = max(layer.shape.pixels * layer.window.taps for layer in graph.layers if layer.macs)
    return fold(graph, max(slowest // (1 + seed % 7), fastest))


def simulated(graph: StreamGraph, folder, seed: int = 0):
    return build_simulator(generate(graph, folder, probes=True), folder / "simulation").run(
        frames_for(graph, 5, seed), quiet_limit=20_000)


def stream_bits(graph: StreamGraph) -> tuple[int, int]:
    """Bits of all FIFOs, and what they would be if each held a frame, as hls4ml's do."""
    ours = sum(depth_of(graph, edge) * source.lanes * source.type.width for edge, source, _ in graph.edges)
    whole = sum(source.shape.pixels * source.shape.channels * source.type.width for _, source, _ in graph.edges)
    return ours, whole


def check(seed: int, folder) -> None:
    graph = folded(seed)
    seen = simulated(graph, folder, seed)
    assert seen.cycles_per_frame == graph.cycles
    ours, whole = stream_bits(graph)
    assert 3 * ours <= whole
    # The largest skip is filled, but for the spare beats, one on its way, and those that come while the schedule
    # takes the layers beside it for slower than they are, two clocks each: the depth is needed, not only enough.
    skip = max(graph.fifo_depths, key=graph.fifo_depths.__getitem__)
    source, reader = skip.split("->")
    late = math.ceil(2 * longest_way(graph, source, reader) * graph[source].beats / graph.cycles)
    assert graph.fifo_depths[skip] - SPARE - 1 - late <= seen.largest_fill[skip] <= graph.fifo_depths[skip]


def longest_way(graph: StreamGraph, source: str, reader: str) -> int:
    """Layers from the one behind ``source`` to ``reader``, that one included, on the longest way."""
    ways = {source: 0}
    for layer in graph.layers:
        known = [ways[name] + 1 for name in layer.sources if name in ways]
        if known:
            ways[layer.name] = max(known)
    return ways[reader]


def test_a_random_net_keeps_its_pace_with_fifos_that_are_full(tmp_path):
    check(1, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_random_nets_keep_their_pace_with_fifos_that_are_full(seed, tmp_path):
    check(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_with_less_in_its_skips_a_net_is_slower_or_stands_still(seed, tmp_path):
    graph = folded(seed)
    starved = replace(graph, fifo_depths={edge: max(depth * 3 // 4, 2) for edge, depth in graph.fifo_depths.items()})
    try:
        cycles = simulated(starved, tmp_path, seed).cycles_per_frame
    except DeadlockError:
        return
    assert cycles > graph.cycles


def test_every_layer_kind_has_an_actor_that_takes_the_clocks_of_its_layer():
    graph = every_kind()
    for layer, actor in zip(graph.layers, graph.actors, strict=True):
        assert actor.name == layer.name
        assert actor.clocks_per_frame == layer.cycles
        assert int(actor.writes.sum()) == layer.beats
        for reading in actor.readings:
            # All that comes in is waited for, in order, and let go of again by the next frame.
            assert int(reading.needed[:].max()) == reading.words - 1
            assert reading.released[:][-1] <= reading.words
            assert (reading.released[1:] >= reading.released[:-1]).all()


@pytest.mark.parametrize("seed", range(8))
def test_a_random_nets_depths_are_those_of_whole_arrays(seed, monkeypatch):
    monkeypatch.setattr(firings, "BLOCK", 1000)
    actors = folded(seed).actors
    assert fifo_depths(actors) == whole_arrays.fifo_depths(list(actors))


def test_only_streams_that_meet_another_or_stand_at_a_zero_insertion_are_deep():
    graph = folded(0)
    joins = {f"{name}->{layer.name}" for layer in graph.layers if len(layer.sources) > 1 for name in layer.sources}
    assert set(graph.fifo_depths) == {*joins, "mid->zeros1", "zeros1->grow1"}
    assert set(fifo_depths(graph.actors)) == {edge for edge, _, _ in graph.edges}
