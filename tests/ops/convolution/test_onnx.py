"""Convolutions of any groups and any dilation: against torch, and in every executor."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.graph import constant
from tests.builders import Net
from tests.executors import Executors


@settings(max_examples=30)
@given(groups=st.sampled_from([(1, 2, 3), (2, 1, 2), (3, 2, 1), (4, 1, 1), (2, 2, 3)]), last=st.booleans(),
       strides=st.tuples(st.integers(1, 2), st.integers(1, 3)),
       dilations=st.tuples(st.integers(1, 3), st.integers(1, 2)),
       pads=st.lists(st.integers(0, 3), min_size=4, max_size=4), seed=st.integers(0, 99))
def test_any_groups_and_dilation(groups, last, strides, dilations, pads, seed):
    group, each, filters = groups
    channels = group * each
    net = Net((1, 6, 7, channels) if last else (1, channels, 6, 7), last=last, seed=seed)
    output = net.conv(net.quant("x"), group * filters, 3, pads=pads, strides=strides, group=group, dilations=dilations)
    assume(min(net.shapes[output]) > 0)
    graph = ingest(net.model())
    weights, bias = (constant(graph.model, name) for name in graph.model.graph.node[-1].input[1:])
    image = np.random.default_rng(seed).integers(0, 16, (2, 6, 7, channels)) / 8.0
    top, left, bottom, right = pads
    padded = torch.nn.functional.pad(torch.from_numpy(image.transpose(0, 3, 1, 2)), (left, right, top, bottom))
    expected = torch.nn.functional.conv2d(
        padded, torch.from_numpy(weights.transpose(0, 3, 1, 2).astype(np.float64)),
        torch.from_numpy(bias.astype(np.float64)), strides, 0, dilations, group).numpy().transpose(0, 2, 3, 1)
    found = run_graph(graph.model, image)[graph.model.graph.output[0].name]
    assert np.array_equal(found, expected)
    values = infer_types(graph.model).ranges[graph.model.graph.output[0].name]
    assert (np.ldexp(values.low, values.exponent) <= found.min((0, 1, 2))).all()
    assert (np.ldexp(values.high, values.exponent) >= found.max((0, 1, 2))).all()


def mobile():
    """A depthwise convolution with a stride, one with two filters a channel, dilated groups, a strided row."""
    net = Net((1, 2, 10, 12))
    layer = net.quant(net.relu(net.conv(net.quant("x"), 4)), 4, -2)
    layer = net.quant(net.relu(net.conv(layer, 4, strides=(2, 2), group=4)), 4, -2)
    layer = net.quant(net.relu(net.conv(layer, 8, group=4)), 4, -2)
    layer = net.quant(net.relu(net.conv(layer, 12, pads=[2, 1, 2, 1], group=4, dilations=(2, 1))), 4, -2)
    net.conv(layer, 3, 1, pads=[0] * 4, strides=(2, 1))
    return net


@pytest.mark.slow
def test_groups_and_dilation_are_exact_in_every_executor(tmp_path):
    case = Executors(mobile().model(), tmp_path)
    case.check_file()
    case.check_emulator()
    traced = case.check_csim()
    assert len(traced) >= 5
    graph = case.check_rtl()
    assert [layer.kind for layer in graph.inner] == ["convolution", "grouped", "grouped", "grouped", "convolution"]
