"""Estimates beside what Yosys maps: blocks exact, LUTs within what the model states."""

from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.boards import load
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.interpolation.onnx import places_of_mode
from quantunet_hls.ops.interpolation.stream import Interpolation
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.estimate import contents, estimate, estimated, estimates
from quantunet_hls.rtl.fold.multipliers import choose_multipliers, in_fabric, with_multipliers
from quantunet_hls.rtl.fold.parallelism import fewest_cycles, fold, with_safe_depths
from quantunet_hls.rtl.fold.storage import all_loaded
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.synthesize.mapping import MappingOptions, map_design
from quantunet_hls.targets.ecp5 import ECP5
from quantunet_hls.targets.xc7 import XC7
from quantunet_hls.targets.xcup import XCUP
from quantunet_hls.types.fixed import FixedType
from tests.rtl.graphs import CODE, PIXEL, convolution, every_kind

#: What the model states of a design's LUTs, and of a layer's; small layers are off by a few LUTs.
OF_DESIGN, OF_LAYER, FEW_LUTS = 0.15, 0.3, 30


def check(graph, family, folder):
    mapped = map_design(generate(graph, folder / "verilog"), MappingOptions(family), folder / "mapped", workers=1,
                        lut_multipliers=in_fabric(graph))
    found = estimates(graph, family)
    assert found.keys() == mapped.layers.keys()
    for name, module in mapped.layers.items():
        count = module.count
        assert (name, found[name].dsp, found[name].bram_18k) == (name, count.dsp, count.bram_18k)
        assert abs(found[name].lut - count.lut) <= max(OF_LAYER * count.lut, FEW_LUTS), name
    whole = estimate(graph, family)
    assert abs(whole.lut - mapped.total.lut) <= OF_DESIGN * mapped.total.lut


def pair(bits=4, width=40):
    """A convolution and a pooling on images wide enough that lines are kept in blocks."""
    size = (8, width)
    half = Shape(4, width // 2, 6)
    code = FixedType(bits, bits - 2, False, "RND_CONV", "SAT")
    first = convolution("first", "image", 3, 6, size, PIXEL, seed=1, stages=(Relu(code),))
    return StreamGraph("pair", (
        Input("image", (), Shape(*size, 3), PIXEL), first,
        Pooling("pool", ("first",), half, code, first.shape, code, Window((2, 2), (2, 2)), "max", (Cast(code),),
                slack=width),
    ))


def between():
    """Rows by 2, and columns with aligned corners, in fractions."""
    layers = [Input("image", (), Shape(8, 40, 8), CODE, lanes=2)]
    for name, axis, mode, lanes in (("rows", 0, "half_pixel", 2), ("columns", 1, "align_corners", 4)):
        given = layers[-1]
        places = places_of_mode(mode, given.shape.axes[axis], 2 * given.shape.axes[axis])
        sizes = list(given.shape.axes)
        sizes[axis] *= 2
        layer = Interpolation(name, (given.name,), Shape(*sizes), given.type, given.shape, given.type, axis, places,
                              2 if mode == "half_pixel" else 0, (), lanes=lanes)
        layers.append(replace(layer, type=layer.accumulator, stages=(Cast(layer.accumulator),)))
    return StreamGraph("between", tuple(layers))


def one(width=48):
    """A single convolution with a deep line buffer."""
    return StreamGraph("one", (Input("image", (), Shape(6, width, 4), CODE),
                               convolution("only", "image", 4, 4, (6, width), CODE, seed=2)))


def test_a_small_net_on_the_ecp5(tmp_path):
    board = load("ulx3s-85f")
    check(choose_multipliers(fold(pair(), 20_000), board), ECP5, tmp_path)


@pytest.mark.parametrize("name", ["zcu104", pytest.param("pynq-z2", marks=pytest.mark.slow)])
def test_a_convolution_on_amd_parts(name, tmp_path):
    board = load(name)
    check(choose_multipliers(fold(one(), 10_000), board), board.part_family, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("family", [XCUP, ECP5])
def test_bilinear_upsampling(family, tmp_path):
    check(with_safe_depths(between()), family, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("family", [XCUP, XC7, ECP5])
@pytest.mark.parametrize("kind", ["dsp", "packed", "lut"])
def test_a_small_net_with_all_kinds_of_multipliers(kind, family, tmp_path):
    check(with_multipliers(fold(pair(6, 70), 8 * 70 * 27), kind, family), family, tmp_path)


@pytest.mark.slow
def test_every_kind_of_layer_on_the_ecp5(tmp_path):
    graph = fold(every_kind(8, 36), 5_000)
    check(with_multipliers(graph, "dsp", ECP5), ECP5, tmp_path)


def test_windows_that_are_read_whole_have_a_buffer_a_tap():
    graph = fold(one(), fewest_cycles(one()))
    layer = graph["only"]
    assert layer.beat_taps == (3, 3)
    slower = replace(layer, simd=4)
    whole, taps = (estimates(graph.with_layers({"only": choice}), XCUP)["only"] for choice in (layer, slower))
    assert whole.bram_18k > taps.bram_18k or whole.lut > 2 * taps.lut
    assert np.isfinite(whole.lut)


def test_what_loads_weights_is_counted_beside_the_layers():
    graph = StreamGraph("loads", (
        Input("image", (), Shape(4, 4, 2), PIXEL), convolution("only", "image", 2, 4, (4, 4), PIXEL)))
    made, family = all_loaded(fold(graph, 16 * 9)), load("zcu104").part_family
    modules, content = estimates(made, family), contents(made, family)
    assert {name: modules[name].lut - estimated(content[name], family).lut for name in modules} == {
        "only": 40, "top": 460}
    assert estimates(fold(graph, 16 * 9), family)["top"].lut == estimated(content["top"], family).lut
