"""Monotone functions behind sums: step functions of these, the same in every executor."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.emulate.accuracy import emulate_graph
from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest import as_meant, ingest
from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.qonnx.curves import curves_of
from quantunet_hls.ops.qonnx.graph import attribute, linked
from quantunet_hls.ops.stages.requantize.steps import Piece, treads
from quantunet_hls.ops.stages.table.onnx import behind_sums
from tests.builders import Net, op_types
from tests.executors import Executors
from tests.ops.stages.table.functions import FUNCTIONS
from tests.random_layers import RandomNet

#: Those that neither only rise nor only fall; a square is a product of two images.
BENT = {"silu", "gelu", "gelu_tanh", "mish", "hard_swish", "abs"}
MONOTONE = sorted({*FUNCTIONS} - BENT - {"square"})


def net_of(function: str, seed: int = 0, bits: int = 4) -> RandomNet:
    """Sums, a normalization with factors of either sign, the function and a quantizer, and sums."""
    net = RandomNet((1, 2, 4, 6), seed=seed)
    y = net.normalized(net.sums(net.levels("x", 5), 2))
    net.sums(net.levels(FUNCTIONS[function](net, y), bits), 2, 1)
    return net


@pytest.mark.parametrize("function", MONOTONE)
def test_a_function_behind_sums_gives_what_the_file_gives(function, tmp_path):
    case = Executors(net_of(function).model(), tmp_path)
    assert not {"Table", "Sigmoid"} & {*op_types(case.graph.model)}
    assert case.check_exactly()
    case.check_file()
    case.check_emulator()


@pytest.mark.parametrize("function", sorted(BENT))
def test_what_rises_and_falls_is_refused(function):
    with pytest.raises(IllegalGraphError, match="put a quantizer"):
        ingest(net_of(function).model())


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(MONOTONE), st.sampled_from([0.25, 0.11, 0.03]), st.integers(-60, 60), st.integers(1, 400),
       st.integers(-7, 7), st.integers(2, 8))
def test_every_integer_has_the_level_of_its_value(function, scale, slope, unit, offset, bits):
    net = Net((1, 2, 4, 6))
    sums = net.conv(net.quant("x"), 2)
    net.quant(FUNCTIONS[function](net, sums), bits, signed=1, scale=scale)
    model = linked(as_meant(net.model()))
    node = behind_sums(model, model.graph.node[-1])
    (curve,) = curves_of(attribute(node, "function"))
    piece = Piece(-30, Fraction(slope, unit), Fraction(offset, 7))
    found = treads((piece,), 40, curve)
    for tread in found:
        assert {curve.level(piece.at(x)) for x in range(tread.first, tread.last + 1)} == {tread.level}
    assert [found[0].first, found[-1].last] == [-30, 40]


@pytest.mark.parametrize("output", ["logits", "mask"])
def test_a_quantized_sigmoid_at_the_end_says_probabilities(output):
    net = RandomNet((1, 2, 4, 6), seed=3)
    logits = net.sums(net.levels("x", 5), 1)
    net.quant(net.add("Sigmoid", [logits], net.shapes[logits]), 6, -6)
    graph = ingest(net.model(), output)
    assert "Sigmoid" not in op_types(graph.model)
    emulator = emulate_graph(graph)
    images = np.random.default_rng(0).uniform(-1, 3, (3, *graph.input_shape)).astype(np.float32)
    assert not any(check.differing for check in reference(graph, images).checks)
    meaning = emulator.network.by_name[emulator.network.output].meaning
    assert meaning is (Meaning.PROBABILITIES if output == "logits" else Meaning.CLASSES)


def test_a_function_of_a_sum_of_two_scales(tmp_path):
    net = RandomNet((1, 2, 4, 6), seed=4)
    x = net.levels("x", 5)
    total = net.add("Add", [net.sums(x, 2), net.normalized(net.sums(x, 2))], (1, 2, 4, 6))
    net.sums(net.levels(net.add("Tanh", [total], net.shapes[total]), 5), 2, 1)
    case = Executors(net.model(), tmp_path)
    assert case.check_exactly()
    case.check_file()
    case.check_emulator()


def test_more_than_8_bits_of_levels_are_refused():
    net = RandomNet((1, 2, 4, 6))
    sums = net.sums(net.levels("x", 5), 2)
    net.sums(net.quant(net.add("Tanh", [sums], net.shapes[sums]), 12, signed=1, scale=0.001), 2)
    with pytest.raises(IllegalGraphError, match="thresholds would have"):
        ingest(net.model())


@pytest.mark.slow
@pytest.mark.parametrize(("function", "bits"), [("sigmoid", 8), ("tanh", 4), ("softplus", 6), ("hard_sigmoid", 5)])
def test_c_simulation_and_rtl_have_the_same_levels(function, bits, tmp_path):
    case = Executors(net_of(function, bits=bits).model(), tmp_path)
    case.check_csim()
    case.check_rtl()
