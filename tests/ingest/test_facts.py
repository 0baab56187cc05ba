import numpy as np
import pytest

from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.facts import convolution_work, network_facts
from tests.builders import Net


@pytest.mark.parametrize("last", [False, True])
def test_counts_by_hand(last):
    net = Net((1, 4, 6, 2) if last else (1, 2, 4, 6), last=last)
    one = net.conv(net.quant("x", 8, -8), 3, 3)
    two = net.quant(net.relu(one), 4, -2)
    net.conv(two, 5, 1, bias=None)
    graph = ingest(net.model())
    work = list(convolution_work(graph).values())
    assert [(layer.inputs, layer.outputs, layer.pixels) for layer in work] == [(18, 3, 24), (3, 5, 24)]
    facts = network_facts(graph)
    assert facts.macs == 24 * (18 * 3 + 3 * 5)
    assert facts.parameters == 18 * 3 + 3 + 3 * 5
    # All weights have four bits; 48 values of the image have eight, 72 of the hidden layer four.
    assert facts.weight_bits == 4
    assert facts.activation_bits == (48 * 8 + 72 * 4) / (48 + 72)


def test_depthwise_sums_one_channel_only():
    net = Net((1, 4, 4, 4))
    net.conv(net.quant("x"), 4, 3, group=4)
    (work,) = convolution_work(ingest(net.model())).values()
    assert (work.inputs, work.outputs, work.pixels) == (9, 4, 16)


def test_weights_without_a_quantizer_count_as_floats():
    net = Net()
    image = net.quant("x")
    net.add("Conv", [image, net.constant("w", np.ones((1, 2, 1, 1)))], (1, 1, 4, 6), kernel_shape=[1, 1])
    assert network_facts(ingest(net.model())).weight_bits == 32
