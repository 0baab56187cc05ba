"""Transposed convolutions of every size, stride and padding against torch, and against their own rewriting."""

import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quantunet_hls.ingest.execute import run_graph
from quantunet_hls.ingest.legality import violations
from quantunet_hls.ingest.passes.explicit_attributes import explicit_attributes
from quantunet_hls.ingest.passes.lower_nodes import lower_nodes
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ops.qonnx.graph import attribute
from tests.builders import Net, op_types

#: Along one axis: kernel, stride, padding, output padding.
AXES = st.tuples(st.integers(1, 5), st.integers(1, 4)).flatmap(lambda sizes: st.tuples(
    *map(st.just, sizes), st.integers(0, sizes[0] - 1), st.integers(0, sizes[1] - 1)))


@settings(max_examples=40)
@given(axes=st.tuples(AXES, AXES), image=st.tuples(st.integers(1, 4), st.integers(1, 5)), seed=st.integers(0, 99))
def test_any_transposed_convolution(axes, image, seed):
    kernel, strides, pads, more = map(list, zip(*axes, strict=True))
    assume(all((pixels - 1) * stride + size + extra > 2 * pad for pixels, stride, size, extra, pad in
               zip(image, strides, kernel, more, pads, strict=True)))
    random = np.random.default_rng(seed)
    weights, biases = random.integers(-7, 8, (2, 3, *kernel)) / 8, random.integers(-9, 10, 3) / 4
    data = random.integers(0, 16, (2, 2, *image)) / 8
    expected = torch.nn.functional.conv_transpose2d(
        *(torch.from_numpy(values) for values in (data, weights, biases)), stride=strides, padding=pads,
        output_padding=more).numpy()
    net = Net((1, 2, *image))
    inputs = [net.quant("x"), net.constant("w", weights), net.constant("b", biases)]
    net.add("ConvTranspose", inputs, (1, *expected.shape[1:]), name="up", kernel_shape=kernel, strides=strides,
            pads=pads * 2, output_padding=more)
    model = explicit_attributes(tidy(net.model()))
    assert list(violations(model)) == []
    rewritten = lower_nodes(model)
    assert op_types(rewritten) == ["Quant", "ZeroInsertion", "Conv"]
    for graph in (model, rewritten):
        assert np.array_equal(run_graph(graph, data)["t1"], expected)
    # What the stream's convolution can't do: as many rows or columns of padding as its kernel has.
    top, left, bottom, right = attribute(rewritten.graph.node[-1], "pads")
    assert min(top, left, bottom, right) >= 0
    assert top + bottom < kernel[0]
    assert left + right < kernel[1]


def test_weights_may_have_a_scale_for_each_filter():
    net = Net((1, 2, 3, 4))
    raw = net.constant("w", np.random.default_rng(0).uniform(-1, 1, (2, 3, 2, 2)))
    scale = np.array([0.5, 0.125, 0.25]).reshape(1, 3, 1, 1)
    net.add("ConvTranspose", [net.quant("x"), net.quant(raw, scale=scale, signed=1)], (1, 3, 6, 8), strides=[2, 2],
            kernel_shape=[2, 2])
    model = explicit_attributes(tidy(net.model()))
    assert list(violations(model)) == []
    image = np.random.default_rng(1).uniform(0, 2, (1, 2, 3, 4))
    result = net.nodes[-1].output[0]
    expected = run_graph(model, image)[result]
    assert np.unique(expected).size > 9
    assert np.array_equal(run_graph(lower_nodes(model), image)[result], expected)
