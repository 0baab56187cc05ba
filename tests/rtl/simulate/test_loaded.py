"""Weights that are loaded at start-up: the same integers as with weights in the netlist, and other weights later."""

from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.multipliers import Multipliers
from quantunet_hls.ops.packing import packing
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.multipliers import with_multipliers
from quantunet_hls.rtl.fold.parallelism import fewest_cycles, fold, with_safe_depths
from quantunet_hls.rtl.fold.storage import all_loaded, loaded_like
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.harness import Stalls
from quantunet_hls.rtl.simulate.verilator import build_simulator, compare
from quantunet_hls.rtl.weights_file import weights_of
from quantunet_hls.targets.xcup import XCUP
from quantunet_hls.types.fixed import FixedType
from tests.rtl.graphs import CODE, PIXEL, convolution, every_kind, frames_for, windows_tables_and_classes

LEVEL = FixedType(6, 0)


def requantizer(channels, lines, seed, *, half_even=False):
    """Of sums with twelve fraction bits, a slope of each channel's own around 1/100, into 6 bits."""
    rng = np.random.default_rng(seed)
    factors, offsets = (tuple(tuple(rng.integers(*ends, channels).tolist()) for _ in range(lines))
                        for ends in ((20, 70), (-4000, 4000)))
    splits = tuple(rng.integers(-300, 300, channels).tolist()) if lines > 1 else ()
    return Requantize(LEVEL, -31, 31, 12, factors, offsets, splits, 12, half_even)


def network(seed):
    """Four convolutions of 4-bit weights: packed, in look-up tables, in blocks, and one unrolled fully.

    Behind the first are requantizers of one line a channel, behind the second of two, whose channels come in turns; the
    last one's sums leave as they are, in a type of the network's own.
    """
    graph = StreamGraph("net", (
        Input("image", (), Shape(8, 8, 2), PIXEL, lanes=2),
        convolution("packs", "image", 2, 4, (8, 8), PIXEL, seed=seed + 1, stages=(requantizer(4, 1, seed + 5),)),
        convolution("luts", "packs", 4, 4, (8, 8), LEVEL, seed=seed + 2,
                    stages=(requantizer(4, 2, seed + 6, half_even=True),)),
        convolution("blocks", "luts", 4, 2, (8, 8), LEVEL, seed=seed + 3),
        convolution("whole", "blocks", 2, 1, (8, 8), CODE, seed=seed + 4, window=Window((1, 1)),
                    stages=(Cast(FixedType(14 + seed, 8)),)),
    ))
    return graph


def design(seed=0):
    """Loaded weights of that network, in the widths of network 0, with lanes and SIMD of their own for all layers."""
    graph = loaded_like(network(seed), all_loaded(network(0), any_weights=True))
    packed = packing(graph["packs"].weight_ends, PIXEL, 2, XCUP.multiplier.operands)
    changes = {"packs": (4, 2, replace(packed, rest_in_luts=False)), "luts": (2, 4, Multipliers("lut")),
               "blocks": (1, 12, Multipliers()), "whole": (1, 2, Multipliers("lut"))}
    return with_safe_depths(graph.with_layers({
        name: replace(graph[name], lanes=lanes, simd=simd, multipliers=multipliers)
        for name, (lanes, simd, multipliers) in changes.items()}))


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loaded")
    return build_simulator(generate(design(), folder / "verilog", probes=True), folder / "simulation",
                           traced=True)


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(0.3, 0.3, 5)])
def test_a_design_computes_with_the_weights_that_were_loaded_last(simulator, stalls):
    graphs = [design(seed) for seed in (0, 3)]
    assert graphs[0].digest() == graphs[1].digest()
    frames = frames_for(graphs[0], 5)
    seen = simulator.run(frames, stalls=stalls, weights=[(weights_of(graphs[0]), 2), (weights_of(graphs[1]), 3)])
    # What the netlist would have computed, with numbers as they are.
    first, second = (execute(network(seed), part) for seed, part in ((0, frames[:2]), (3, frames[2:])))
    expected = {name: np.concatenate([first[name], second[name]]) for name in first}
    compare(expected, {**seen.traces, "whole": seen.outputs}, graphs[0])
    assert (first["whole"] != execute(network(3), frames[:2])["whole"]).any()
    assert all(len(set(codes.flat)) > 8 for codes in expected.values())


def test_a_file_that_is_not_whole_or_not_this_designs_is_refused_and_the_next_one_taken(simulator):
    graph = design()
    good, frames = weights_of(graph), frames_for(graph, 1)
    other = weights_of(replace(graph, name="other"))
    changed = good.copy()
    changed[7] ^= 4
    # The block says what is wrong with the last file, and takes no pixel.
    for bad, reason in ((changed, "checksum"), (other, "another design"), (good[:-3], "length"), (good[1:], "no file")):
        with pytest.raises(ConfigurationError, match=reason):
            simulator.run(frames, weights=[(bad, 1)], quiet_limit=2000)
    seen = simulator.run(frames, weights=[(changed, 0), (good[:9], 0), (np.append(good, good[:5]), 0), (good, 1)])
    assert (seen.outputs == execute(graph, frames)["whole"]).all()


def test_weights_that_do_not_fit_a_design_are_refused_before_their_file_is_written():
    graph = design()
    layer = graph["luts"]

    def with_layer(**changes):
        return graph.with_layers({"luts": replace(layer, **changes)})

    assert weights_of(graph).size
    with pytest.raises(ConfigurationError, match=r"weights of 'luts' reach from -8 to"):
        weights_of(with_layer(weights=np.where(layer.weights == -7, -8, layer.weights)))
    with pytest.raises(ConfigurationError, match=r"Sums of 'luts' could take \d+ bits"):
        weights_of(with_layer(bias=layer.bias * 1024))
    with pytest.raises(ConfigurationError, match=r"have 9 fraction bits, and its design takes 4"):
        replace(layer, product_fraction=9, loaded=None).loaded_as(layer.loaded)


def test_a_requantizer_that_does_not_fit_is_refused():
    own, layer = network(0)["packs"], design(0)["packs"]
    (stage,) = layer.stages
    with pytest.raises(ConfigurationError, match="drops 12 bits, and its design takes 10"):
        own.loaded_as(replace(layer.loaded, numbers=replace(stage.loaded, shift=10)))
    with pytest.raises(ConfigurationError, match="another number of lines"):
        own.loaded_as(replace(layer.loaded, numbers=replace(stage.loaded, splits=9)))
    large = replace(stage, factors=(tuple(factor << 9 for factor in stage.factors[0]),))
    with pytest.raises(ConfigurationError, match=r"The factors of the requantizer of 'packs' take more than"):
        replace(layer, stages=(large,)).check_contents()
    with pytest.raises(ConfigurationError, match="'packs' has no requantizer"):
        replace(own, stages=(Cast(stage.type),)).loaded_as(layer.loaded)


def test_no_text_depends_on_the_weights(tmp_path):
    """Neither what is made nor what it is known by: so what was mapped stays mapped."""
    texts = []
    for seed in (0, 3):
        graph = StreamGraph("net", design(seed).layers[:3])
        made = generate(graph, tmp_path / str(seed))
        texts.append([path.read_text() for path in made.files.values()])
    assert texts[0] == texts[1]
    assert (tmp_path / "0" / "manifest.json").read_text() == (tmp_path / "3" / "manifest.json").read_text()
    assert design(0).digest() != network(0).digest()


def test_any_weights_of_the_widths_fit_a_design_that_was_made_for_any():
    rng = np.random.default_rng(3)
    for layer in weighted(design()):
        form = layer.loaded
        for low, high in ((form.low, form.low), (form.high, form.high), (form.low, form.high)):
            bias = rng.choice([layer.bias.min(), layer.bias.max()], layer.bias.shape)
            replace(layer, weights=rng.integers(low, high + 1, layer.weights.shape), bias=bias).check_contents()


@pytest.mark.slow
@pytest.mark.parametrize("made", [every_kind, windows_tables_and_classes])
def test_every_layer_kind_computes_with_loaded_weights(made, tmp_path):
    graph = all_loaded(with_multipliers(fold(made(), 2 * fewest_cycles(made())), "packed", XCUP), any_weights=True)
    graph = with_multipliers(graph, "packed", XCUP)
    simulator = build_simulator(generate(graph, tmp_path, probes=True), tmp_path / "simulation", traced=True)
    frames = frames_for(graph, 3)
    own = weights_of(graph)
    seen = simulator.run(frames, stalls=Stalls(0.3, 0.3, 4), weights=[(own, 1), (own, 2)])
    compare(execute(made(), frames), {**seen.traces, graph.output.name: seen.outputs}, graph)
