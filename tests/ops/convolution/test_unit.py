"""The matrix-vector unit with every kind of multiplier, against numpy, over the extremes of all codes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.convolution.stream import Convolution, Grouped
from quantunet_hls.ops.convolution.unit import DotProducts
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.multipliers import Multipliers
from quantunet_hls.ops.packing import packing
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.multipliers import candidates
from quantunet_hls.targets.ecp5 import ECP5
from quantunet_hls.targets.xc7 import XC7
from quantunet_hls.targets.xcup import XCUP
from quantunet_hls.types.fixed import FixedType, covering
from tests.ops.hardware.test_window import stream_through
from tests.rtl.graphs import PIXEL, convolution


def beats(rows, bits):
    """Codes, a row a beat, as numbers of so many bits a code."""
    return [sum((int(code) & ((1 << bits) - 1)) << (bits * place) for place, code in enumerate(row)) for row in rows]


@st.composite
def units(draw):
    """(weight bits, source, kind, PE, SIMD, passes, seed): kind is a name, or how many products share a block."""
    bits, width = draw(st.sampled_from([(4, 4), (4, 6), (8, 8), (2, 3), (5, 5), (1, 1)]))
    return (bits, FixedType(width, 0, draw(st.booleans())), draw(st.sampled_from(["dsp", "lut", "adders", 2, 3, 4])),
            draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(0, 99)))


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(units(), st.booleans())
def test_every_kind_of_multiplier_is_exact_at_all_extremes(case, rest_in_luts):
    bits, source, kind, pe, simd, passes, seed = case
    rng = np.random.default_rng(seed)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if kind == "adders":
        passes = 1
    weights = rng.choice([low, low + 1, -1, 0, 1, high], (1, 1, simd * passes, pe * passes)).clip(low, high)
    weights[0, 0, 0, : pe] = low
    if kind in ("dsp", "lut", "adders"):
        multipliers = Multipliers(kind)
    else:
        # Two products of any of these widths fit.
        multipliers = next(packed for products in range(kind, 1, -1) if (
            packed := packing(weights, source, products, XCUP.multiplier.operands)))
        if bits <= 4:
            multipliers = replace(multipliers, rest_in_luts=rest_in_luts)
    bias = rng.integers(-9, 10, pe * passes)
    matrix = weights[0, 0]
    reach = int(np.abs(matrix).sum()) * (1 << source.width) + 9
    accumulator = covering(-reach, reach, 0)
    layer = Convolution("c", ("x",), Shape(1, 1, pe * passes), accumulator, Shape(1, 1, simd * passes), source,
                        Window((1, 1)), weights, bias, 0, (), lanes=pe, simd=simd)
    unit = DotProducts(layer.words, bias.reshape(-1, pe), source, accumulator, (), multipliers=multipliers)
    x = rng.choice([source.low, source.low + 1, 0, source.high - 1, source.high], (5, simd * passes))
    x = x.clip(source.low, source.high)
    x[0], x[1] = source.low, source.high
    sent = beats(x.repeat(passes, axis=0).reshape(-1, passes, passes, simd).reshape(-1, simd), source.width)
    expected = beats((x @ matrix + bias).reshape(-1, pe), accumulator.width)
    assert stream_through(unit, sent, len(expected), seed) == expected


@pytest.mark.parametrize(("family", "bits", "width", "most"), [
    (XCUP, 8, 8, 2), (XC7, 8, 8, 2), (ECP5, 8, 8, 1), (XCUP, 4, 4, 4), (XC7, 4, 4, 4), (ECP5, 4, 4, 3),
    (XCUP, 4, 6, 3), (XC7, 4, 6, 3), (ECP5, 4, 6, 2)])
def test_as_many_products_share_a_block_as_its_operands_hold(family, bits, width, most):
    high = (1 << (bits - 1)) - 1
    layer = replace(convolution("c", "x", 1, 4, (3, 3), FixedType(width, 0, False)), lanes=4,
                    weights=np.resize([-high, high], (3, 3, 1, 4)))
    packed = [choice for choice in candidates(layer, family) if choice.kind == "packed"]
    assert max([choice.products for choice in packed], default=1) == most
    for choice in packed:
        # The word of the largest and of the smallest weights fits the block's wider operand.
        for weight in (high, -high):
            word = sum(weight << (choice.spacing * place) for place in range(choice.products))
            limit = 1 << (family.multiplier.operands[0] - 1)
            assert -limit <= word < limit


def test_multipliers_that_a_layer_cannot_have_are_refused():
    layer = convolution("conv", "x", 2, 4, (4, 4), PIXEL, window=Window((1, 1)))
    for multipliers, rule in (("adders", "change from clock to clock"), ("magic", "no multipliers of kind 'magic'")):
        with pytest.raises(IllegalGraphError, match=f"'conv'.*{rule}"):
            StreamGraph("g", (Input("x", (), Shape(4, 4, 2), PIXEL),
                              replace(layer, multipliers=Multipliers(multipliers))))
    with pytest.raises(IllegalGraphError, match="choose one of 1, 2, 6, 18"):
        StreamGraph("g", (Input("x", (), Shape(4, 4, 2), PIXEL),
                          replace(convolution("conv", "x", 2, 4, (4, 4), PIXEL), simd=4)))


@pytest.mark.parametrize(("groups", "each", "filters"), [(6, 1, 1), (4, 1, 2), (2, 4, 6), (3, 2, 1)])
def test_every_folding_of_groups_multiplies_what_belongs_together(groups, each, filters):
    """Beats as the window generator gives them, times the words, summed as the processing elements do."""
    rng = np.random.default_rng(groups)
    shape, result = Shape(4, 5, groups * each), Shape(2, 2, groups * filters)
    kind = FixedType(5, 5)
    layer = Grouped("conv", ("image",), result, kind, shape, kind, Window((2, 3), (2, 2)),
                    rng.integers(-7, 8, (2, 3, each, groups * filters)), np.zeros(groups * filters, np.int64), 0, ())
    x = rng.integers(kind.low, kind.high + 1, (1, 4, 5, groups * each))
    expected = layer.computed([x])
    # The same numbers by a kernel of zeros for all other groups.
    for one in range(groups * filters):
        group = one // filters
        sums = sum(tap[..., group * each: (group + 1) * each] @ layer.weights[row, column, :, one]
                   for row, column, tap in layer.taps(x))
        assert np.array_equal(sums, expected[..., one])
    foldings = layer.foldings()
    assert {(folded.lanes, folded.simd) for folded in foldings} >= {(1, 1), (groups * filters, each)}
    for folded in foldings:
        StreamGraph("net", (Input("image", (), shape, kind), folded))
        taps = np.stack([tap for _, _, tap in folded.taps(x)])
        words = taps.reshape(len(taps), 4, folded.parts, -1, folded.input_lanes)
        # (windows, parts, taps, words of a part, channels of a word), each part so many times.
        beats = words.transpose(1, 2, 0, 3, 4).repeat(folded.repeats, axis=1).reshape(4, -1, folded.input_lanes)
        assert len(folded.words) == beats.shape[1] == folded.window_beats * (result.channels // folded.lanes)
        inputs = beats.reshape(*beats.shape[:2], -1, folded.simd).repeat(folded.sharing, axis=2)
        sums = (inputs * folded.words).sum(-1).reshape(4, -1, folded.window_beats, folded.lanes).sum(2)
        assert np.array_equal(sums.reshape(expected.shape), expected)
