import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.emulate.program import compile_network
from quantunet_hls.ops.convolution.layer import Convolution
from quantunet_hls.ops.convolution.sums import Ordered, Unordered, compile_sum
from quantunet_hls.ops.input.layer import Input
from quantunet_hls.ops.network import TypedNetwork
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.tensors.codes import Codes
from quantunet_hls.ops.window import Window
from quantunet_hls.types.fixed import ROUNDINGS, SATURATIONS, FixedType, cast

CPU = torch.device("cpu")


def layer(weights: np.ndarray, accumulator: FixedType, *, bias=None, weight_fraction=2, shape=(5, 6), reuse=None,
          groups=1, stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1)) -> Convolution:
    filters = weights.shape[3]
    height, width = Window(weights.shape[:2], stride, padding, dilation).output(Shape(*shape, 1))
    bias = np.zeros(filters, np.int64) if bias is None else bias
    return Convolution("conv", ("image",), Shape(height, width, filters), (Cast(accumulator),), weights,
                       weight_fraction, bias, accumulator, stride, padding, groups, reuse, dilation)


def accumulate(conv: Convolution, x: np.ndarray, fraction: int) -> np.ndarray:
    """The C++ loops over Python's own integers: (images, height, width, filters), codes of the accumulator."""
    top, bottom, left, right = conv.padding
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    height, width, filters = conv.shape.axes
    rows, columns, inputs, _ = conv.weights.shape
    channels = filters if conv.depthwise else inputs
    product_type, wide = FixedType(60, fraction + conv.weight_fraction), FixedType(61, conv.accumulator.fraction)
    indices = list(range(rows * columns * channels))
    if conv.reuse is not None:
        indices = [index for start in range(conv.reuse) for index in indices[start:: conv.reuse]]
    total = np.broadcast_to(conv.bias, (len(x), height, width, filters)).copy()
    for index in indices:
        row, column, channel = index // (columns * channels), index // channels % columns, index % channels
        y, z = row * conv.dilation[0], column * conv.dilation[1]
        tap = x[:, y: y + (height - 1) * conv.stride[0] + 1: conv.stride[0],
                z: z + (width - 1) * conv.stride[1] + 1: conv.stride[1]]
        if conv.depthwise:
            product = cast(tap[..., channel] * conv.weights[row, column, 0, channel], product_type, conv.accumulator)
            total[..., channel] = cast(total[..., channel] + product, wide, conv.accumulator)
            continue
        for one in range(filters):
            group = one // (filters // conv.groups)
            product = cast(tap[..., group * inputs + channel] * conv.weights[row, column, channel, one], product_type,
                           conv.accumulator)
            total[..., one] = cast(total[..., one] + product, wide, conv.accumulator)
    return total


def emulate(conv: Convolution, x: np.ndarray, port: FixedType) -> np.ndarray:
    image = Input("image", (), Shape(*x.shape[1:]), (Cast(port),))
    program = compile_network(TypedNetwork((image, conv), "conv"), CPU)
    tensor = torch.from_numpy(x.astype(np.float32)).permute(0, 3, 1, 2)
    (last,) = program.instructions
    values = last.kernel.run([tensor]).permute(0, 2, 3, 1).double().numpy()
    return np.ldexp(values, conv.accumulator.fraction - last.kernel.codes.fraction)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_sums_equal_the_loops(data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    groups, each, filters = data.draw(st.sampled_from([
        (1, 1, 3), (1, 4, 2), (3, 1, 1), (2, 1, 2), (2, 2, 1), (2, 2, 3)]))
    kernel = data.draw(st.sampled_from([(3, 3), (1, 1), (2, 3), (1, 3)]))
    port = FixedType(data.draw(st.integers(2, 7)), data.draw(st.integers(0, 4)), data.draw(st.booleans()))
    bits = data.draw(st.integers(2, 6))
    shape = (*kernel, each, groups * filters)
    weights = random.integers(-(1 << (bits - 1)), 1 << (bits - 1), shape)
    accumulator = FixedType(data.draw(st.integers(3, 16)), data.draw(st.integers(0, 7)), data.draw(st.booleans()),
                            data.draw(st.sampled_from(ROUNDINGS)), data.draw(st.sampled_from(SATURATIONS)))
    bias = random.integers(accumulator.low, accumulator.high + 1, shape[3])
    conv = layer(weights, accumulator, bias=bias, groups=groups, reuse=data.draw(st.sampled_from([None, 1, 3])),
                 dilation=data.draw(st.sampled_from([(1, 1), (1, 2), (2, 1)])),
                 stride=data.draw(st.sampled_from([(1, 1), (2, 1), (2, 2)])),
                 padding=data.draw(st.sampled_from([(1, 1, 1, 1), (0, 0, 0, 0), (1, 0, 0, 2)])))
    x = random.choice([port.low, port.high, 0, 1], (2, 5, 6, groups * each))
    assert np.array_equal(emulate(conv, x, port), accumulate(conv, x, port.fraction))


def test_wrapping_needs_no_order_and_saturating_does():
    random = np.random.default_rng(1)
    weights = random.integers(-8, 8, (3, 3, 4, 2))
    given_ = Codes(0, 63, 6)
    assert isinstance(compile_sum(layer(weights, FixedType(8, 8)), given_), Unordered)
    assert isinstance(compile_sum(layer(weights, FixedType(30, 8, True, "RND", "SAT")), given_), Unordered)
    assert isinstance(compile_sum(layer(weights, FixedType(8, 8, True, "TRN", "SAT")), given_), Ordered)
    assert isinstance(compile_sum(layer(weights | 1, FixedType(20, 7)), given_), Ordered)


@pytest.mark.parametrize("channels", [32, 64, 128, 256])
def test_largest_sums_are_exact_whatever_algorithm_computes_them(channels):
    """All integers at their ends, at the edge of what float32 is chosen for, and beyond it."""
    random = np.random.default_rng(channels)
    port = FixedType(8, 0, False)
    weights = random.choice([-128, 127, 126, 1], (3, 3, channels, 8))
    weights[..., 0] = 127
    weights[..., 1] = -128
    conv = layer(weights, FixedType(40, 0), weight_fraction=0, shape=(16, 16))
    x = random.choice([255, 254, 1, 0], (2, 16, 16, channels), p=[0.7, 0.1, 0.1, 0.1])
    x[0] = 255
    assert np.array_equal(emulate(conv, x, port), accumulate(conv, x, 0))


def test_more_than_53_bits_are_refused():
    conv = layer(np.full((3, 3, 8, 2), (1 << 30) - 1), FixedType(60, 0), weight_fraction=0)
    with pytest.raises(IllegalGraphError, match="'conv': its integers take"):
        emulate(conv, np.ones((1, 5, 6, 8)), FixedType(24, 0))
