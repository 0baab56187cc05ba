"""Maximum pooling whose windows hang over the edge, against torch and in every executor."""

import contextlib

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ops.qonnx.graph import attribute
from tests.builders import Net
from tests.executors import Executors

#: Along one axis: window, stride, padding on both sides.
AXES = st.integers(1, 4).flatmap(lambda taps: st.tuples(st.just(taps), st.integers(1, 4), st.integers(0, taps // 2)))


def hanging(shape, window, strides, sides, **options):
    """A pooling with ceil_mode, and what torch makes of an image."""
    net = Net((1, 2, *shape))
    image = torch.from_numpy(np.random.default_rng(0).integers(-8, 8, (1, 2, *shape)) / 8.0)
    expected = torch.nn.functional.max_pool2d(image, window, strides, sides, ceil_mode=True)
    net.add("MaxPool", [net.quant("x", signed=1)], tuple(expected.shape), kernel_shape=list(window),
            strides=list(strides), pads=[*sides, *sides], ceil_mode=1, **options)
    return net, image, expected


@settings(max_examples=40)
@given(shape=st.tuples(st.integers(3, 8), st.integers(3, 8)), axes=st.tuples(AXES, AXES))
def test_windows_over_the_edge_take_the_largest_of_what_is_inside(shape, axes):
    window, strides, sides = zip(*axes, strict=True)
    assume(set(window) | set(strides) != {1})
    assume(all(size + 2 * side >= taps for size, taps, side in zip(shape, window, sides, strict=True)))
    net, image, expected = hanging(shape, window, strides, sides)
    if any(-(-(size + 2 * side - taps) // stride) * stride - side >= size
           for size, taps, stride, side in zip(shape, window, strides, sides, strict=True)):
        # Torch leaves windows out that begin behind the image; ONNX counts them in the size.
        with pytest.raises(IllegalGraphError, match=r"begin behind the image.*leave ceil_mode out"):
            ingest(net.model())
        return
    graph = ingest(net.model())
    found = run_graph(graph.model, image.numpy().transpose(0, 2, 3, 1))[graph.model.graph.output[0].name]
    assert np.array_equal(found.transpose(0, 3, 1, 2), expected.numpy())
    for node in graph.model.graph.node[1:]:
        assert not attribute(node, "ceil_mode", 0)


def test_a_mean_over_the_edge_is_refused_with_its_reason():
    net = Net((1, 2, 5, 5))
    net.add("AveragePool", [net.quant("x")], (1, 2, 3, 3), kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4,
            ceil_mode=1)
    with pytest.raises(IllegalGraphError, match="mean has another divisor; leave ceil_mode out"):
        ingest(net.model())


def mean(shape, window, strides, sides, **options):
    """A mean with a quantizer behind it, what torch makes of an image, and the image."""
    net = Net((1, 2, *shape))
    image = torch.from_numpy(np.random.default_rng(0).integers(-8, 8, (1, 2, *shape)) / 8.0)
    expected = torch.nn.functional.avg_pool2d(image, window, strides, sides, ceil_mode=bool(options["ceil_mode"]),
                                              count_include_pad=bool(options["count_include_pad"]))
    pooled = net.add("AveragePool", [net.quant("x", signed=1)], tuple(expected.shape), kernel_shape=list(window),
                     strides=list(strides), pads=[*sides, *sides], **options)
    net.quant(pooled, 6, -4, signed=1)
    return net, image, np.clip(np.rint(expected.numpy() * 16), -32, 31) / 16


def built_mean(net, image):
    graph = ingest(net.model())
    found = run_graph(graph.model, image.numpy().transpose(0, 2, 3, 1))[graph.model.graph.output[0].name]
    return found.transpose(0, 3, 1, 2)


#: Image, window, stride and padding along both axes, of means whose windows all have one divisor.
EVEN = {
    "padding that no window reaches": ((4, 7), (2, 3), (2, 2), (0, 0), {"pads": [0, 0, 1, 1]}),
    "one window larger than the image": ((3, 2), (5, 4), (1, 1), (1, 1), {"ceil_mode": 0}),
    "one window along an axis": ((3, 4), (5, 2), (3, 2), (1, 0), {"ceil_mode": 1}),
    "one window beyond the counted padding": ((3, 4), (6, 2), (9, 2), (1, 0), {"ceil_mode": 1, "count_include_pad": 1}),
}


@pytest.mark.parametrize("name", EVEN)
def test_a_mean_of_one_divisor_is_built_whatever_it_is_padded_by(name):
    *geometry, options = EVEN[name]
    pads = options.pop("pads", None)
    net, image, expected = mean(*geometry, **({"ceil_mode": 0, "count_include_pad": 0} | options))
    if pads is not None:
        (pads_of,) = [entry for entry in net.nodes[-2].attribute if entry.name == "pads"]
        pads_of.ints[:] = pads
    assert np.array_equal(built_mean(net, image), expected)


@settings(max_examples=25)
@given(shape=st.tuples(st.integers(3, 6), st.integers(3, 6)), axes=st.tuples(AXES, AXES),
       ceil=st.integers(0, 1), counted=st.integers(0, 1))
def test_a_mean_is_that_of_torch_and_built_where_its_windows_have_one_divisor(shape, axes, ceil, counted):
    window, strides, sides = zip(*axes, strict=True)
    assume(all(size + 2 * side >= taps for size, taps, side in zip(shape, window, sides, strict=True)))
    # ONNX counts windows that begin behind the image, and torch does not.
    assume(not ceil or all(-(-(size + 2 * side - taps) // stride) * stride - side < size
                           for size, taps, stride, side in zip(shape, window, strides, sides, strict=True)))
    net, image, expected = mean(shape, window, strides, sides, ceil_mode=ceil, count_include_pad=counted)
    # How many values each window has that count.
    edge, rest = (sides, (0, 0)) if counted else ((0, 0), sides)
    ones = torch.nn.functional.pad(torch.ones(1, 1, *shape), (edge[1], edge[1], edge[0], edge[0]))
    ones[:] = 1
    divisors = torch.nn.functional.avg_pool2d(ones, window, strides, rest, ceil_mode=bool(ceil), divisor_override=1)
    if torch.all(divisors == np.prod(window)) or divisors.numel() == 1:
        assert np.array_equal(built_mean(net, image), expected)
    else:
        with contextlib.suppress(IllegalGraphError):
            assert np.array_equal(built_mean(net, image), expected)


@pytest.mark.slow
def test_windows_over_the_edge_are_exact_in_every_executor(tmp_path):
    net, _, expected = hanging((8, 9), (3, 3), (2, 2), (1, 1))
    assert expected.shape[2:] == (5, 5)
    net.conv(net.nodes[-1].output[0], 2)
    case = Executors(net.model(), tmp_path)
    case.check_file()
    case.check_emulator()
    case.check_csim()
    case.check_rtl()
