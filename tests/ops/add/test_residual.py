"""Random residual networks through every executor: 0 differing values, and nothing stands still."""

import numpy as np
import pytest

from tests.builders import Net, op_types
from tests.executors import Executors
from tests.ops.add.residual_nets import residual_net

SEEDS = range(20)


def check_rtl(net, folder, seed=0):
    case = Executors(net.model(), folder, seed=seed)
    graph = case.check_rtl()
    for name in {layer.name for layer in graph.layers if len(layer.sources) > 1}:
        assert all(f"{source}->{name}" in graph.fifo_depths for source in graph[name].sources)
    return case


@pytest.mark.parametrize("seed", SEEDS)
def test_the_graph_is_what_qonnx_computes_and_the_emulator_agrees(seed, tmp_path):
    case = Executors(residual_net(seed).model(), tmp_path, seed=seed)
    assert 2 <= op_types(case.graph.model).count("Add") <= 5
    case.check_file()
    assert np.unique(case.expected).size > 8
    case.check_emulator()


def test_a_sum_at_the_skip_of_a_unet_in_the_rtl(tmp_path):
    net = residual_net(0)
    assert "Resize" in [node.op_type for node in net.nodes]
    check_rtl(net, tmp_path)


def test_a_value_added_to_itself(tmp_path):
    net = Net((1, 2, 4, 6))
    kept = net.quant(net.relu(net.conv(net.quant("x"), 2)))
    net.conv(net.add("Add", [kept, kept], net.shapes[kept]), 2)
    check_rtl(net, tmp_path).check_emulator()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_cpp_and_the_rtl_compute_the_same(seed, tmp_path):
    traced = check_rtl(residual_net(seed), tmp_path, seed).check_csim()
    # A sum that is quantized at once is the quantizer's layer.
    assert sum(layer.startswith("Add") for layer in traced) >= 2
