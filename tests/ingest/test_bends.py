"""Activations without a quantizer behind them, where hardware's own numbers stand for the file's by a scale."""

import numpy as np
import pytest

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest
from tests.builders import op_types
from tests.executors import Executors
from tests.random_layers import RandomNet

SCALE = float(np.float32(0.11))


def levels(net: RandomNet) -> str:
    return net.quant(net.sums(net.levels("x", 6), 4), 6, signed=1, scale=SCALE)


def clip(net: RandomNet, source: str, low: float | None, high: float | None) -> str:
    ends = ["" if end is None else net.constant(role, end) for role, end in (("low", low), ("high", high))]
    return net.add("Clip", [source, *ends], net.shapes[source])


def doubled(net: RandomNet, source: str) -> str:
    return net.add("Mul", [source, net.constant("two", 2.0)], net.shapes[source])


BEHIND_LEVELS = {
    "relu": (lambda net, x: net.relu(x), ["Relu"]),
    "leaky": (lambda net, x: net.leaky(x), ["LeakyRelu"]),
    "limit that nothing passes": (lambda net, x: clip(net, x, 0.0, 6.0), ["Relu"]),
    "limit that the double passes": (lambda net, x: clip(net, doubled(net, x), 0.0, SCALE * 32), ["Clip"]),
    "limit on the grid": (lambda net, x: clip(net, x, -SCALE * 4, SCALE * 8), ["Clip"]),
    "limit of what is turned round": (lambda net, x: net.relu(net.add("Mul", [x, net.constant("minus", -3.0)],
                                                                      net.shapes[x])), ["Clip"]),
    "relu and slope": (lambda net, x: net.leaky(clip(net, x, -SCALE * 4, None)), ["Clip", "LeakyRelu"]),
    "pooled": (lambda net, x: net.pool(net.relu(x)), ["MaxPool", "Relu"]),
}


@pytest.mark.parametrize("name", BEHIND_LEVELS)
def test_a_convolution_reads_what_is_bent(name, tmp_path):
    build, expected = BEHIND_LEVELS[name]
    net = RandomNet((1, 2, 6, 8), seed=5)
    net.sums(build(net, levels(net)), 2)
    case = Executors(net.model(), tmp_path)
    assert op_types(case.graph.model) == ["Quant", "Conv", "Requantize", *expected, "Conv"]
    assert case.check_exactly()
    case.check_file()
    case.check_emulator()


def test_branches_of_a_sum_and_of_a_concat(tmp_path):
    for name in ("Add", "Concat"):
        net = RandomNet((1, 2, 6, 8), seed=6)
        x = net.levels("x", 6)
        one = net.relu(net.quant(net.sums(x, 3), 5, signed=1, scale=SCALE))
        other = net.quant(net.sums(x, 3), 5, signed=1, scale=SCALE if name == "Concat" else 0.07)
        if name == "Add":
            net.levels(net.add("Add", [one, other], net.shapes[one]), 5)
        else:
            net.sums(net.concat(one, other), 2)
        case = Executors(net.model(), tmp_path / name)
        assert case.check_exactly()
        case.check_file()
        case.check_emulator()


def test_a_relu_may_be_the_last(tmp_path):
    net = RandomNet((1, 2, 6, 8), seed=7)
    net.relu(levels(net))
    case = Executors(net.model(), tmp_path)
    assert case.check_exactly()
    case.check_file()


@pytest.mark.parametrize("build", [lambda net, x: clip(net, x, 0.0, 1.0), lambda net, x: net.leaky(x, 0.1),
                                   lambda net, x: net.relu(net.normalized(x))], ids=["limit", "slope", "offset"])
def test_what_is_off_the_grid_is_refused(build):
    net = RandomNet((1, 2, 6, 8), seed=5)
    net.sums(build(net, levels(net)), 2)
    with pytest.raises(IllegalGraphError, match="behind an activation without a quantizer; put a quantizer in front"):
        ingest(net.model())


@pytest.mark.slow
def test_c_simulation_and_rtl(tmp_path):
    net = RandomNet((1, 2, 6, 8), seed=5)
    net.sums(net.leaky(clip(net, levels(net), None, SCALE * 8)), 2)
    case = Executors(net.model(), tmp_path)
    case.check_csim()
    case.check_rtl()
