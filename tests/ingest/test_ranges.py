from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.graph import only
from quantunet_hls.ops.qonnx.quantizers import quant_type
from quantunet_hls.ops.qonnx.ranges import Range, to_steps
from quantunet_hls.types import FixedType
from tests.builders import Net, execute, small_unet


def holds(kind: FixedType, value: Fraction) -> bool:
    """Whether the value is one of the type's numbers, by Python's own arithmetic."""
    steps = value / Fraction(2) ** kind.exponent
    return steps.denominator == 1 and kind.lowest <= steps <= kind.high


def wrapped(value: Fraction, kind: FixedType) -> Fraction:
    """The value in the type, its bits beyond the type's dropped; every bit below must be in the type."""
    steps = value / kind_step(kind)
    assert steps.denominator == 1
    return ((steps - kind.low) % 2**kind.width + kind.low) * kind_step(kind)


def kind_step(kind: FixedType) -> Fraction:
    return Fraction(2) ** kind.exponent


def narrower(kind: FixedType) -> FixedType:
    """The type without its top bit."""
    return replace(kind, width=kind.width - 1)


def only_conv(graph):
    return next(node for node in graph.model.graph.node if node.op_type == "Conv")


def layer_of(types, graph, op_type="Conv"):
    return types.layers[next(node.name for node in graph.model.graph.node if node.op_type == op_type)]


@given(st.lists(st.integers(-(2**20), 2**20), min_size=1, max_size=8), st.integers(-40, 40))
def test_to_steps_gives_the_numbers_back_in_the_largest_step(integers, exponent):
    values = np.array([integer * 2.0**exponent for integer in integers])
    steps, step = to_steps(values)
    assert [Fraction(int(k)) * Fraction(2) ** step for k in steps] == [
        Fraction(k) * Fraction(2) ** exponent for k in integers]
    if any(integers):
        # Were the step twice as large, some number would be no multiple of it.
        assert any(k % 2 for k in steps.tolist())


def test_numbers_too_far_apart_are_refused():
    with pytest.raises(OverflowError, match="62 bits"):
        to_steps(np.array([1.0, 2.0**63]))


def test_a_range_can_be_written_in_finer_steps_only():
    given_range = Range(np.array([-3, 0]), np.array([5, 7]), -2)
    finer = given_range.at(-4)
    assert (finer.low.tolist(), finer.high.tolist(), finer.exponent) == ([-12, 0], [20, 28], -4)
    with pytest.raises(ValueError, match="coarser"):
        given_range.at(-1)


def test_a_range_never_wraps_in_silence():
    with pytest.raises(OverflowError):
        Range(np.array([0]), np.array([5]), 0).at(-62)


@given(st.data())
@settings(max_examples=15)
def test_the_accumulator_is_right_at_the_end_in_whatever_order_it_adds(data):
    """Bias first, last or in between: hls4ml and the RTL are free to add in any order, and wrap on the way."""
    seed = data.draw(st.integers(0, 10_000))
    signed = data.draw(st.sampled_from([0, 1]))
    bias = data.draw(st.sampled_from(["random", None, "zero"]))
    net = Net((1, 2, 1, 1), seed=seed)
    # One signed bit is a bipolar quantizer, whose port has levels on both sides of its sign.
    port = net.quant("x", data.draw(st.integers(1 + signed, 5)), data.draw(st.integers(-4, 3)), signed=signed)
    net.conv(port, 2, 1, bias=np.zeros(2) if bias == "zero" else bias)
    graph = ingest(net.model())
    types = infer_types(graph.model)
    node, kinds = only_conv(graph), layer_of(types, graph)
    weights = graph.model.get_initializer(node.input[1]).reshape(2, 2)
    biases = graph.model.get_initializer(node.input[2]) if len(node.input) > 2 else np.zeros(2)
    assert all(holds(kinds.weight, Fraction(float(value))) for value in weights.flat)
    assert all(holds(kinds.bias, Fraction(float(value))) for value in biases)
    codes = [types.image.low, types.image.high, *data.draw(
        st.lists(st.integers(types.image.low, types.image.high), max_size=3))]
    step = Fraction(2) ** types.image.exponent
    results = []
    for row, start in zip(weights, biases, strict=True):
        for first in codes:
            for second in codes:
                terms = [Fraction(float(row[0])) * first * step, Fraction(float(row[1])) * second * step,
                         Fraction(float(start))]
                for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
                    total = Fraction(0)
                    for index in order:
                        total = wrapped(total + terms[index], kinds.accumulator)
                    assert total == sum(terms)
                results.append(sum(terms))
                assert holds(kinds.result, sum(terms))
    assert kinds.accumulator == kinds.result
    # Tight: the extremes are reachable, so a type one bit narrower loses one of them.
    assert kinds.result.width == 1 or not all(holds(narrower(kinds.result), total) for total in results)


def test_the_accumulator_is_tight_for_the_sum_it_is_named_for():
    # 4-bit unsigned codes 0..15 times weights 3, -2 and bias 5 (all in one step): sums from -30 to 45 + 5.
    net = Net((1, 2, 1, 1))
    values = np.array([3, -2], dtype=np.float32).reshape(1, 2, 1, 1) / 8
    net.conv(net.quant("x", 4, 0), 1, 1, values=values, bias=[5 / 8])
    graph = ingest(net.model())
    kinds = layer_of(infer_types(graph.model), graph)
    assert (kinds.accumulator.width, kinds.accumulator.exponent, kinds.accumulator.signed) == (7, -3, True)
    assert (kinds.weight.width, kinds.weight.exponent) == (3, -3)
    assert (kinds.bias.width, kinds.bias.exponent) == (4, -3)


def test_padding_feeds_zeros_below_an_always_positive_sum():
    """A net whose bias lifts every input to 2 or more still sees the padding's zeros."""
    net = Net((1, 1, 2, 2))
    first = net.conv(net.quant("x", 2, 0), 1, 1, values=np.full((1, 1, 1, 1), 0.125), bias=[1.0])
    net.conv(first, 1, 3, values=np.full((1, 1, 3, 3), 0.125), bias=None)
    graph = ingest(net.model())
    types = infer_types(graph.model)
    second = [node.name for node in graph.model.graph.node if node.op_type == "Conv"][1]
    assert types.ranges[f"{second}_out"].low.tolist() == [0]


@given(st.integers(0, 1000), st.booleans())
@settings(max_examples=8)
def test_no_image_leaves_the_types_of_any_tensor(seed, signed):
    net = small_unet(seed=seed)
    graph = ingest(net.model())
    types = infer_types(graph.model)
    random = np.random.default_rng(seed)
    images = random.choice([-1.0, 0.0, 0.37, 1.0, 99.0], size=(4, *graph.input_shape))
    tensors = run_graph(graph.model, images)
    for node in graph.model.graph.node:
        kind, values = types.layers[node.name].result, tensors[node.output[0]]
        steps = values / 2.0**kind.exponent
        assert np.array_equal(steps, np.round(steps))
        assert steps.min() >= kind.low
        assert steps.max() <= kind.high
        proven = types.ranges[node.output[0]]
        assert np.all(values.min((0, 1, 2)) >= proven.low * 2.0**proven.exponent)
        assert np.all(values.max((0, 1, 2)) <= proven.high * 2.0**proven.exponent)


def nearest_even(value: Fraction) -> int:
    return round(value)  # Python rounds a Fraction's halves to even.


@given(st.integers(1, 6), st.integers(-3, 3), st.booleans(), st.booleans(), st.sampled_from(["ROUND", "FLOOR"]))
@settings(max_examples=40)
def test_a_quantizers_range_is_the_image_of_its_inputs(bits, exponent, signed, narrow, rounding):
    """All 8-bit codes through a second quantizer, by fractions."""
    bits += signed
    net = Net((1, 1, 1, 1))
    first = net.quant("x", 6, -3, signed=1)
    second = net.quant(first, bits, exponent, signed=int(signed), narrow=int(narrow and signed), rounding=rounding)
    net.relu(second)
    graph = ingest(net.model())
    types = infer_types(graph.model)
    node = [node for node in graph.model.graph.node if node.op_type == "Quant"][1]
    low = (-(2 ** (bits - 1)) + narrow) if signed else 0
    high = 2 ** (bits - signed) - 1
    seen = []
    for code in range(-32, 32):
        value = Fraction(code) / 8 / Fraction(2) ** exponent
        whole = nearest_even(value) if rounding == "ROUND" else value.__floor__()
        seen.append(min(max(whole, low), high))
    proven = types.ranges[node.output[0]]
    assert (proven.low.tolist(), proven.high.tolist()) == ([min(seen)], [max(seen)])
    assert proven.exponent == exponent


@given(st.integers(0, 63), st.sampled_from(["ROUND", "FLOOR"]))
def test_qonnx_rounds_as_the_type_that_stands_for_it(code, rounding):
    net = Net((1, 1, 1, 1))
    node_output = net.quant("x", 3, 0, rounding=rounding)
    model = net.model(node_output)
    value = Fraction(code, 8)
    expected = nearest_even(value) if rounding == "ROUND" else value.__floor__()
    assert execute(model, np.full((1, 1, 1, 1), float(value))).item() == min(expected, 7)
    kind = quant_type(model, model.graph.node[0])
    assert kind.rounding == ("RND_CONV" if rounding == "ROUND" else "TRN")


@pytest.mark.parametrize(
    ("signed", "narrow", "saturation", "text"),
    [(0, 0, "SAT", "ufixed<4,1,RND_CONV,SAT>"), (1, 0, "SAT", "fixed<4,1,RND_CONV,SAT>"),
     (1, 1, "SAT_SYM", "fixed<4,1,RND_CONV,SAT_SYM>")],
)
def test_fact_3_the_port_has_the_type_of_the_first_quantizer(signed, narrow, saturation, text):
    net = Net()
    net.conv(net.quant("x", 4, -3, signed=signed, narrow=narrow), 1)
    image = infer_types(ingest(net.model()).model).image
    assert image.saturation == saturation
    assert str(image) == text


@settings(max_examples=25)
@given(st.sampled_from([(1, 3), (3, 3), (1, 6), (5, 1), (2, 5)]), st.integers(-4, 0), st.booleans(),
       st.sampled_from(["ROUND", "FLOOR"]))
def test_a_mean_that_is_cut_is_rounded_as_the_mean_itself(window, exponent, signed, rounding):
    """Every sum that a window can have, through the cut quotient and the quantizer, in Python's own fractions."""
    count = window[0] * window[1]
    net = Net((1, 1, window[0], window[1] * 2))
    mean = net.pool(net.quant("x", 4, -2, signed=signed), window, "AveragePool", name="mean")
    net.quant(mean, 6, exponent, signed=signed, rounding=rounding)
    graph = ingest(net.model())
    types = infer_types(graph.model)
    kinds, quantizer = types.layers["mean"], quant_type(graph.model, graph.model.graph.node[-1])
    for total in range(count * types.image.low, count * types.image.high + 1):
        exact = Fraction(total, 4) / count
        assert holds(kinds.accumulator, Fraction(total, 4))
        cut = int(exact / kind_step(kinds.result)) * kind_step(kinds.result)
        assert holds(kinds.result, cut)
        step = kind_step(quantizer)
        nearest = [nearest_even(value / step) if rounding == "ROUND" else value // step for value in (cut, exact)]
        assert nearest[0] == nearest[1], total


@pytest.mark.parametrize(("kind", "window"), [("MaxPool", (2, 2)), ("AveragePool", (2, 2)), ("AveragePool", (1, 2)),
                                              ("AveragePool", (2, 4))])
def test_pooling_all_lowest_and_all_highest_are_within(kind, window):
    net = Net((1, 1, 2, 4))
    net.pool(net.quant("x", 3, -1, signed=1), window, kind)
    graph = ingest(net.model())
    types = infer_types(graph.model)
    layer = layer_of(types, graph, kind)
    count = window[0] * window[1] if kind == "AveragePool" else 1
    for code in (-4, 3):
        assert holds(layer.result, Fraction(code, 2))
    # One code among zeros is the finest mean there is.
    assert holds(layer.result, Fraction(1, 2) / count)
    assert holds(layer.accumulator, Fraction(-4, 2))
    assert holds(layer.accumulator, Fraction(3, 2))


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
def test_poolings_hold_all_that_the_type_of_their_input_can(kind):
    """Although an image below 1 never reaches the upper bits of a quantizer up to 16."""
    net = Net((1, 1, 2, 2))
    net.pool(net.quant(net.quant("x", 4, -4), 6, -2), (2, 2), kind)
    graph = ingest(net.model())
    layer = layer_of(infer_types(graph.model), graph, kind)
    assert holds(layer.accumulator, Fraction(63, 4))
    assert holds(layer.result, Fraction(63, 4))


@pytest.mark.parametrize("alpha", [0.5, 0.125, 1.0, 0.0])
def test_leaky_relu_of_every_code_is_held_and_the_type_is_tight(alpha):
    net = Net((1, 1, 1, 1))
    net.leaky(net.quant("x", 4, -2, signed=1), alpha)
    graph = ingest(net.model())
    kind = layer_of(infer_types(graph.model), graph, "LeakyRelu").result
    values = [Fraction(code, 4) * (Fraction(alpha) if code < 0 else 1) for code in range(-8, 8)]
    assert all(holds(kind, value) for value in values)
    assert not all(holds(narrower(kind), value) for value in values)


def test_a_concatenation_takes_the_finer_step_and_both_ranges():
    net = Net()
    image = net.quant("x", 3, 0)
    net.relu(net.concat(net.quant(image, 3, 1), net.quant(image, 5, -2, signed=1)))
    graph = ingest(net.model())
    kind = layer_of(infer_types(graph.model), graph, "Concat").result
    # The branches hold 0, 2, 4, 6 or 8 (8 codes of 2, of which 7 reach four) and 0 to 15/4: 8 in quarters is 32 steps.
    assert kind.exponent == -2
    assert holds(kind, Fraction(8))
    assert holds(kind, Fraction(15, 4))


def test_all_weights_and_biases_zero():
    net = Net()
    net.conv(net.quant("x"), 2, values=np.zeros((2, 2, 3, 3)), bias=[0, 0])
    graph = ingest(net.model())
    kinds = layer_of(infer_types(graph.model), graph)
    assert holds(kinds.weight, Fraction(0))
    assert holds(kinds.result, Fraction(0))


def test_scales_too_far_apart_are_refused_by_name_instead_of_wrapping():
    net = Net()
    image = net.quant("x", 8, 10)
    net.conv(net.concat(net.quant(image, 8, -60), image), 2, 1)
    graph = ingest(net.model())
    with pytest.raises(IllegalGraphError, match=r"^Node 'Quant_1': .*more than 53 bits; quantize"):
        infer_types(graph.model)


def test_a_chain_of_unquantized_layers_is_refused_before_it_wraps():
    net = Net((1, 1, 4, 4))
    value = net.quant("x", 8, 0)
    for _ in range(12):
        value = net.conv(value, 1, 3, values=np.full((1, 1, 3, 3), 0.875), bias=None)
    graph = ingest(net.model())
    with pytest.raises(IllegalGraphError, match="more than 53 bits"):
        infer_types(graph.model)


def test_a_bias_far_below_the_products_is_refused():
    net = Net((1, 1, 2, 2))
    image, weights = net.quant("x"), net.weights((1, 1, 1, 1))
    net.add("Conv", [image, weights, net.constant("b", [2.0**-70])], (1, 1, 2, 2), name="far", kernel_shape=[1, 1])
    with pytest.raises(IllegalGraphError, match=r"^Node 'far'"):
        infer_types(ingest(net.model()).model)


def test_depthwise_channels_are_kept_apart():
    net = Net((1, 2, 1, 1))
    image = net.quant("x", 2, 0)
    low = net.conv(image, 1, 1, values=np.array([0.125, 0.0]).reshape(1, 2, 1, 1), bias=None)
    high = net.conv(image, 1, 1, values=np.array([-0.875, 0.0]).reshape(1, 2, 1, 1), bias=None)
    net.conv(net.concat(low, high), 2, 1, group=2, values=np.array([0.875, 0.125]).reshape(2, 1, 1, 1), bias=None)
    graph = ingest(net.model())
    types = infer_types(graph.model)
    last = types.ranges[only(graph.model, "output")]
    values = [Fraction(int(k)) * Fraction(2) ** last.exponent for k in (*last.low, *last.high)]
    # Codes 0..3: channel 0 is 0 .. 3/8 * 7/8, channel 1 is -3 * 7/8 * 1/8 .. 0.
    assert values == [0, Fraction(-21, 64), Fraction(21, 64), 0]
