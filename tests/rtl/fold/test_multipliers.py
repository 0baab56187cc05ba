import itertools
from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.boards import Resources, load
from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.multipliers import Multipliers
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.estimate import estimates
from quantunet_hls.rtl.fold.multipliers import (
    LUTS_BESIDE,
    blocks,
    candidates,
    choose_multipliers,
    in_fabric,
    luts,
    multiplying,
    with_multipliers,
)
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.report import layer_reports
from quantunet_hls.rtl.synthesize.mapping import MappingOptions, map_design
from quantunet_hls.targets.xcup import XCUP
from quantunet_hls.types.fixed import FixedType
from tests.rtl.graphs import CODE, PIXEL, convolution


def graph(cycles=400):
    size = (6, 8)
    return fold(StreamGraph("three", (
        Input("image", (), Shape(*size, 2), PIXEL),
        convolution("a", "image", 2, 4, size, PIXEL, seed=1),
        convolution("b", "a", 4, 6, size, CODE, seed=2),
        convolution("c", "b", 6, 3, size, CODE, seed=3, window=Window((1, 1))),
    )), cycles)


def board(lut, dsp):
    return replace(load("zcu104"), resources=Resources(lut=lut, dsp=dsp))


@pytest.mark.parametrize(("lut", "dsp"), [(230400, 1728), (5000, 400), (50000, 20), (8000, 60), (200000, 1)])
def test_no_other_choice_has_a_smaller_largest_share(lut, dsp):
    folded, target = graph(), board(lut, dsp)
    chosen = choose_multipliers(folded, target)
    layers = chosen.layers[1:]

    def largest(choices):
        pairs = list(zip(layers, choices, strict=True))
        return max((sum(luts(*pair, XCUP) for pair in pairs) + LUTS_BESIDE * len(layers)) / lut,
                   sum(blocks(*pair, XCUP) for pair in pairs) / dsp)

    every = itertools.product(*(list(candidates(layer, XCUP)) for layer in layers))
    assert largest([layer.multipliers for layer in layers]) == pytest.approx(min(map(largest, every)))


def test_scarce_blocks_are_spared_and_scarce_luts_too():
    few_blocks = choose_multipliers(graph(), board(1_000_000, 2))
    assert in_fabric(few_blocks) == ["a", "b", "c"]
    few_luts = choose_multipliers(graph(), board(10, 10_000))
    assert in_fabric(few_luts) == []


def test_a_fully_unrolled_layer_may_become_adders():
    unrolled = graph(48)
    assert unrolled["a"].mac_units == unrolled["a"].weights.size
    assert choose_multipliers(unrolled, board(1_000_000, 1))["a"].multipliers == Multipliers("adders")


def test_all_layers_the_same_where_that_is_asked_for():
    folded, target = graph(), load("zcu104")
    assert all(layer.multipliers.kind == "lut" for layer in multiplying(folded, "lut", target).layers[1:])
    packed = multiplying(folded, "packed", target)
    assert sum(blocks(layer, layer.multipliers, XCUP) for layer in packed.layers[1:]) < sum(
        layer.mac_units for layer in folded.layers) / 2
    assert multiplying(folded, "auto", target).digest() == choose_multipliers(folded, target).digest()
    versal = replace(target, family="versal")
    assert multiplying(folded, "auto", versal).digest() == folded.digest()
    with pytest.raises(BoardError, match="is not known"):
        multiplying(folded, "packed", versal)
    with pytest.raises(ConfigurationError, match="no multipliers of kind 'best'"):
        multiplying(folded, "best", target)


def test_the_report_says_what_each_layer_multiplies_with():
    chosen = with_multipliers(graph(), "lut", XCUP)
    assert [layer.kind for layer in layer_reports(chosen)] == ["convolution, lut"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dsp", "packed", "lut"])
@pytest.mark.parametrize(("weight_bits", "width", "pe", "simd"), [(4, 6, 4, 4), (4, 6, 3, 6), (8, 8, 4, 4)])
def test_the_cost_model_predicts_what_yosys_maps(kind, weight_bits, width, pe, simd, tmp_path):
    source, high = FixedType(width, 0, False), (1 << (weight_bits - 1)) - 1
    target = FixedType(width, -weight_bits, False, "RND_CONV", "SAT")
    size, rng = (4, 4), np.random.default_rng(pe)
    layer = replace(convolution("unit", "x", 4 * simd, 2 * pe, size, source, window=Window((1, 1)),
                                stages=(Relu(target),)), lanes=pe, simd=simd,
                    weights=rng.integers(-high, high + 1, (1, 1, 4 * simd, 2 * pe)))
    tiny = with_multipliers(StreamGraph("tiny", (Input("x", (), Shape(*size, 4 * simd), source, lanes=simd), layer)),
                            kind, XCUP)
    count = map_design(generate(tiny, tmp_path), MappingOptions(XCUP), tmp_path,
                       lut_multipliers=in_fabric(tiny)).layers["unit"].count
    unit = tiny["unit"]
    assert count.dsp == blocks(unit, unit.multipliers, XCUP)
    # The unit is what the choice of multipliers weighs; the module has a stream behind it too.
    assert luts(unit, unit.multipliers, XCUP) < estimates(tiny, XCUP)["unit"].lut
    assert abs(estimates(tiny, XCUP)["unit"].lut - count.lut) <= 0.15 * count.lut
