"""Clip, as ReLU6 and others: exact at any limits, at no cost where the quantizer behind has the same."""

import numpy as np
import pytest

from quantunet_hls.ingest import ingest, violations
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.rtl.lower import lower
from tests.builders import Net, op_types
from tests.executors import Executors


def net_with(low=None, high=None, *, bits=5, exponent=-2, attributes=False, behind=True):
    """A convolution, Clip, and a quantizer or none."""
    net = Net((1, 2, 6, 8))
    x = net.conv(net.quant("x"), 3)
    if attributes:
        ends = {name: value for name, value in (("min", low), ("max", high)) if value is not None}
        x = net.add("Clip", [x], net.shapes[x], **ends)
    else:
        ends = ["" if value is None else net.constant(name, value) for name, value in (("low", low), ("high", high))]
        x = net.add("Clip", [x, *ends], net.shapes[x])
    net.conv(net.quant(x, bits, exponent, signed=int(low is None or low < 0)) if behind else net.pool(x), 2, 1,
             pads=[0] * 4)
    return net


@pytest.mark.parametrize(("low", "high"), [(0, 6), (None, 1.3), (-0.7, None), (-1, 1), (0.1, 0.9), (-3e5, 2.5), (2, 2)])
@pytest.mark.parametrize("behind", [True, False])
def test_the_values_are_exact(low, high, behind, tmp_path):
    case = Executors(net_with(low, high, behind=behind).model(), tmp_path)
    assert "Clip" in op_types(case.graph.model)
    case.check_file()
    case.check_emulator()


def test_with_zero_alone_it_is_a_relu(tmp_path):
    case = Executors(net_with(0).model(), tmp_path)
    assert op_types(case.graph.model) == ["Quant", "Conv", "Relu", "Quant", "Conv"]
    case.check_file()
    case.check_emulator()


def test_limits_beyond_those_of_the_quantizer_behind_take_no_hardware(tmp_path):
    case = Executors(net_with(0, 6, bits=4).model(), tmp_path)
    layer = lower(read_network(case.model), "net").graph.layers[1]
    assert [stage.kind for stage in layer.stages] == ["cast"]
    # ReLU6 in eighths of up to 7.875: the limit is 48 of them.
    case = Executors(net_with(0, 6, bits=6, exponent=-3).model(), tmp_path)
    layer = lower(read_network(case.model), "net").graph.layers[1]
    assert [stage.kind for stage in layer.stages] == ["cast", "clip"]
    assert (layer.stages[1].low, layer.stages[1].high) == (0, 48)


def test_attributes_are_its_limits_up_to_opset_10():
    model = net_with(0, 6, attributes=True).model()
    model.model.opset_import[0].version = 10
    (node,) = [node for node in ingest(model).model.graph.node if node.op_type == "Clip"]
    assert len(node.input) == 1


def test_what_is_no_interval_is_refused():
    for low, high, message in ((6, 0, "6 and 0 are no interval"), (np.nan, 1, "no interval")):
        (error,) = violations(tidy(net_with(low, high).model()))
        assert message in error.rule
    net = Net((1, 2, 6, 8))
    x = net.quant("x")
    net.add("Clip", [x, net.constant("low", [0, 1])], net.shapes[x])
    (error,) = violations(tidy(net.model()))
    assert "not one constant each" in error.rule


@pytest.mark.slow
@pytest.mark.parametrize(("low", "high", "behind"), [(0, 6, True), (-0.7, 1.3, True), (0.1, 0.9, False)])
def test_c_simulation_and_rtl(low, high, behind, tmp_path):
    case = Executors(net_with(low, high, behind=behind, bits=6, exponent=-3).model(), tmp_path)
    case.check_csim()
    case.check_rtl()
