"""Bipolar quantizers and truncations: what they become, what is refused, and every executor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

from quantunet_hls.ingest import as_meant, run_graph, violations
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ingest.passes.tabulate import tabulate
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.rtl.lower import lower
from tests.builders import QUANT_DOMAIN, Net, op_types
from tests.executors import Executors
from tests.random_layers import RandomNet


def constants(net: Net, *values) -> list[str]:
    return [net.constant(f"c{len(net.initializers)}", value) for value in values]


def bipolar(net: Net, source: str, scale) -> str:
    shape = net.shapes[source] if source in net.shapes else net.initializers[source].shape
    return net.add("BipolarQuant", [source, *constants(net, scale)], shape, domain=QUANT_DOMAIN)


def trunc(net: Net, source: str, *numbers: float, **modes) -> str:
    """Scale, bits, and those that are left: of the first version bits, of the second a scale and bits."""
    scale, *rest = numbers
    return net.add("Trunc", [source, *constants(net, scale, 0, *rest)], net.shapes[source], domain=QUANT_DOMAIN,
                   **modes)


def bipolar_weights(net: Net, shape, scale) -> str:
    return bipolar(net, net.constant(f"w{len(net.nodes)}", net.random.normal(size=shape)), scale)


def refused(net: Net) -> list[tuple[str, str]]:
    return [(error.rule, error.remedy) for error in violations(tabulate(as_meant(net.model())))]


def value(net: Net, image: np.ndarray) -> np.ndarray:
    """What the network is read as computes, whether or not it can be built."""
    graph = as_meant(net.model())
    assert not {"BipolarQuant", "Trunc"} & set(op_types(graph))
    return run_graph(graph, image)[graph.graph.output[0].name]


@given(st.integers(-3, 3), st.integers(0, 99))
def test_a_bipolar_stream_is_what_qonnx_says(exponent, seed):
    net = Net()
    bipolar(net, net.quant("x", 5, -2, signed=1), 2.0**exponent)
    image = np.random.default_rng(seed).integers(-20, 20, (2, *net.shapes["x"][1:])) / 8
    on_grid = np.clip(np.round(image * 4), -16, 15) / 4
    assert np.array_equal(value(net, image), binary_quant(on_grid, 2.0**exponent))


@settings(max_examples=60)
@given(st.sampled_from(["FLOOR", "ROUND", "floor", "round"]), st.integers(1, 2), st.booleans(), st.integers(0, 4),
       st.integers(1, 6), st.booleans(), st.integers(0, 99))
def test_a_truncated_mean_is_what_qonnx_says(mode, version, signed, shift, bits, narrow, seed):
    net = Net((1, 2, 4, 6))
    mean = net.pool(net.quant("x", 5, -2, signed=int(signed)), kind="AveragePool")
    scale, narrow = 2.0**-4, narrow and signed and bits > 1
    if version == 1:
        trunc(net, mean, scale, 7, 7 - shift, rounding_mode=mode)
    else:
        trunc(net, mean, scale, 7, scale * 2**shift, bits + signed, rounding_mode=mode, signed=int(signed),
              narrow=int(narrow))
    image = np.random.default_rng(seed).integers(-40, 40, (2, *net.shapes["x"][1:])) / 4
    low = -16 if signed else 0
    on_grid = np.clip(image * 4, low, low + 31) / 4
    means = on_grid.reshape(2, 2, 2, 2, 3, 2).mean(axis=(3, 5))
    number = np.asarray
    if version == 1:
        expected = trunc_v1(means, scale, 0, number(7.0), number(7.0 - shift), mode.upper())
    else:
        expected = trunc_v2(means, scale, 0, number(7.0), narrow, signed, number(scale * 2**shift),
                            number(float(bits + signed)), mode.upper())
    assert np.array_equal(value(net, image), expected)


def test_a_truncation_of_what_may_be_no_whole_steps_rounds_twice():
    net = Net()
    trunc(net, net.conv(net.quant("x", 5, -3), 2), 2.0**-3, 8, 2.0**-2, 4)
    image = np.random.default_rng(0).uniform(0, 4, (2, *net.shapes["x"][1:])).astype(np.float32)
    graph = as_meant(net.model())
    tensors = run_graph(graph, image)
    sums = tensors[next(node.output[0] for node in graph.graph.node if node.op_type == "Conv")]
    assert np.any(sums * 8 % 1)
    number = np.asarray
    expected = trunc_v2(sums, 2.0**-3, 0, number(8.0), False, True, number(2.0**-2), number(4.0), "FLOOR")
    assert np.array_equal(value(net, image), expected)


def test_one_signed_bit_is_bipolar_as_in_qonnx():
    net = Net((1, 1, 2, 2))
    net.relu(net.quant(net.quant("x", 5, -2, signed=1), 1, -1, signed=1))
    assert value(net, np.array([[[[-1, 0], [0.25, -0.25]]]])).tolist() == [[[[0, 0.5], [0.5, 0]]]]


def binary_net(seed: int) -> Net:
    """Bipolar weights, one scale a tensor and a filter, and bipolar activations into padded convolutions."""
    net = Net((1, 2, 6, 8), seed=seed)
    x = net.quant("x", 4, -3)
    x = bipolar(net, net.conv(x, 3, weights=bipolar_weights(net, (3, 2, 3, 3), 2.0**-3)), 0.5)
    scales = 2.0 ** net.random.integers(-2, 1, (4, 1, 1, 1))
    x = net.conv(x, 4, weights=bipolar_weights(net, (4, 3, 3, 3), scales))
    mean = net.pool(net.quant(net.relu(x), 4, -2), kind="AveragePool")
    x = trunc(net, mean, 2.0**-4, 6, 2.0**-2, 4, rounding_mode="ROUND", signed=0)
    net.conv(x, 2, kernel=1, weights=bipolar_weights(net, (2, 4, 1, 1), 1.0), bias=None)
    return net


def test_types_of_a_bipolar_network(tmp_path):
    graph = Executors(binary_net(0).model(), tmp_path).graph.model
    types = infer_types(graph)
    convolutions = [node for node in graph.graph.node if node.op_type == "Conv"]
    assert types.layers[convolutions[0].name].weight.width == 2
    level = types.layers[graph.find_producer(convolutions[1].input[0]).name].result
    # Padding puts a 0 beside plus and minus a half.
    assert (level.width, level.signed) == (2, True)


@pytest.mark.parametrize("seed", range(3))
def test_the_file_and_the_emulator_compute_the_same(seed, tmp_path):
    case = Executors(binary_net(seed).model(), tmp_path, seed=seed)
    case.check_file()
    case.check_emulator()
    assert np.unique(case.expected).size > 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4])
def test_c_simulation_and_rtl_compute_the_same(seed, tmp_path):
    case = Executors(binary_net(seed).model(), tmp_path, seed=seed)
    case.check_csim()
    case.check_rtl()


def test_a_narrow_activation_is_padded(tmp_path):
    net = Net()
    net.conv(net.quant("x", 4, -2, signed=1, narrow=1), 2)
    assert lower(read_network(Executors(net.model(), tmp_path).model), "net").graph.layers


def with_zero_point(net: Net) -> None:
    mean = net.pool(net.quant("x"), kind="AveragePool")
    net.add("Trunc", [mean, *constants(net, 2.0**-5, 1, 6, 4)], net.shapes[mean], domain=QUANT_DOMAIN)


REFUSED = {
    "a scale for each channel of a stream": (
        lambda net: bipolar(net, net.quant("x"), np.ones((1, 2, 1, 1))), "several scales", "one scale a tensor"),
    "a scale below 0": (lambda net: bipolar(net, net.quant("x"), -1.0), "no positive number", "train"),
    "a zero point": (with_zero_point, "zero point is not 0", "symmetric"),
    "scales apart": (lambda net: trunc(net, net.pool(net.quant("x"), kind="AveragePool"), 2.0**-5, 6, 0.1, 4),
                     "no power of two apart", "export_qonnx"),
    "no whole steps": (lambda net: trunc(net, net.conv(net.quant("x"), 2), 2.0**-5, 8, 4),
                       "no whole number of its scale", "right behind an average pooling"),
    "half a bit": (lambda net: trunc(net, net.pool(net.quant("x"), kind="AveragePool"), 2.0**-5, 6, 4.5),
                   "no whole numbers of bits", "export"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_and_why(name):
    make, rule, remedy = REFUSED[name]
    net = Net()
    make(net)
    ((found, advice),) = refused(net)
    assert rule in found
    assert remedy in advice


def scaled_binary_net(seed: int) -> RandomNet:
    """Bipolar weights and activations and a truncated mean, all of scales that are no powers of two."""
    net = RandomNet((1, 2, 6, 8), seed=seed)
    random = net.random
    x = net.conv(net.levels("x", 5, zero=0), 3, weights=bipolar_weights(net, (3, 2, 3, 3), 0.1), bias=None)
    x = bipolar(net, net.normalized(x), 0.3)
    x = net.conv(x, 4, weights=bipolar_weights(net, (4, 3, 3, 3), random.uniform(0.1, 0.9, (4, 1, 1, 1))), bias=None)
    step = float(np.float32(0.11))
    rows, columns = (2, 2) if random.integers(2) else (3, 1)
    mean = net.pool(net.quant(net.relu(x), 4, scale=step), (rows, columns), kind="AveragePool")
    part = np.float32(step / (rows * columns))
    x = trunc(net, mean, part, 6, part * 4, 4, rounding_mode=str(random.choice(["ROUND", "FLOOR"])), signed=0)
    net.conv(x, 2, kernel=1, weights=bipolar_weights(net, (2, 4, 1, 1), 0.7), bias=None)
    return net


@pytest.mark.parametrize("seed", range(4))
def test_scales_of_any_kind(seed, tmp_path):
    case = Executors(scaled_binary_net(seed).model(), tmp_path, seed=seed)
    assert case.check_exactly()
    case.check_emulator()
    assert np.unique(case.expected).size > 4


@pytest.mark.slow
def test_scales_of_any_kind_in_hardware(tmp_path):
    case = Executors(scaled_binary_net(5).model(), tmp_path)
    case.check_csim()
    case.check_rtl()
