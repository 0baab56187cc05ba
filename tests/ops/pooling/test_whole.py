"""Poolings of whole images: every form that files have, without a line buffer."""

import numpy as np
import pytest

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ops.pooling.stream import WholePooling
from quantunet_hls.rtl.fold.parallelism import cycle_choices, fold
from quantunet_hls.rtl.lower import lower
from tests.builders import Net, op_types
from tests.executors import Executors

FORMS = {
    "GlobalAveragePool": lambda net, x: net.add("GlobalAveragePool", [x], (1, 3, 1, 1)),
    "GlobalMaxPool": lambda net, x: net.add("GlobalMaxPool", [x], (1, 3, 1, 1)),
    "ReduceMean": lambda net, x: net.add("ReduceMean", [x], (1, 3, 1, 1), axes=[2, 3]),
    "ReduceMean from behind": lambda net, x: net.add("ReduceMean", [x], (1, 3, 1, 1), axes=[-1, -2], keepdims=1),
    "AveragePool": lambda net, x: net.pool(x, net.shapes[x][2:], "AveragePool"),
    "MaxPool": lambda net, x: net.pool(x, net.shapes[x][2:]),
}


def net_with(form, height=6, width=5):
    net = Net((1, 2, height, width))
    x = net.quant(net.relu(net.conv(net.quant("x"), 3)))
    net.conv(net.quant(FORMS[form](net, x), 5, -4), 2, 1, pads=[0] * 4)
    return net


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_one_pooling_without_lines(form, tmp_path):
    case = Executors(net_with(form).model(), tmp_path)
    assert op_types(case.graph.model)[4] in ("AveragePool", "MaxPool")
    case.check_file()
    case.check_emulator()
    lowered = lower(read_network(case.model), "net").graph
    (pooling,) = [layer for layer in lowered.layers if isinstance(layer, WholePooling)]
    assert pooling.cycles == 6 * 5 * 3
    for cycles in cycle_choices(lowered):
        assert fold(lowered, cycles)[pooling.name].cycles <= cycles


def test_channels_that_lie_last(tmp_path):
    net = Net((1, 6, 5, 2), last=True)
    x = net.quant(net.relu(net.conv(net.quant("x"), 3)))
    net.conv(net.quant(net.add("ReduceMean", [x], (1, 1, 1, 3), axes=[1, 2]), 5, -4), 2, 1, pads=[0] * 4)
    case = Executors(net.model(), tmp_path)
    case.check_emulator()
    values = case.tensors[case.graph.model.graph.node[3].output[0]]
    mean = np.round(values.mean((1, 2), keepdims=True) * 16) / 16
    assert np.array_equal(case.tensors[case.graph.model.graph.node[5].output[0]], np.clip(mean, 0, 31 / 16))


@pytest.mark.parametrize(("axes", "keepdims"), [([1], 1), ([2], 1), ([2, 3], 0), ([1, 2, 3], 1)])
def test_other_means_are_refused(axes, keepdims):
    net = Net((1, 2, 4, 6))
    shape = [1 if axis in axes else size for axis, size in enumerate((1, 2, 4, 6))]
    shape = shape if keepdims else [size for axis, size in enumerate(shape) if axis not in axes]
    net.add("ReduceMean", [net.quant("x")], shape, axes=axes, keepdims=keepdims)
    with pytest.raises(IllegalGraphError, match=r"only whole images can be reduced.*keep both axes"):
        ingest(net.model())


def test_a_mean_of_30_values_needs_a_quantizer():
    net = Net((1, 2, 6, 5))
    net.conv(net.add("GlobalAveragePool", [net.quant("x")], (1, 2, 1, 1)), 2, 1, pads=[0] * 4)
    with pytest.raises(IllegalGraphError, match="the mean of 30 values is no fixed-point number"):
        ingest(net.model())


@pytest.mark.slow
@pytest.mark.parametrize("form", ["GlobalAveragePool", "GlobalMaxPool"])
def test_c_simulation_and_rtl(form, tmp_path):
    case = Executors(net_with(form).model(), tmp_path)
    case.check_csim()
    case.check_rtl()
