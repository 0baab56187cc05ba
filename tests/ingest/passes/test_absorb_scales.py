"""What stands between sums and quantizers of any scale: what waits for a quantizer, and who may read it before."""

import numpy as np
import pytest

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ops.qonnx.graph import attribute
from quantunet_hls.rtl.fold.parallelism import cycle_choices, fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.lower import lower
from tests.builders import Net, op_types
from tests.executors import Executors


def sums_of_channels(net: Net, filters: int) -> str:
    """Sums with another scale and another bias in each channel."""
    raw = net.constant("raw", net.random.uniform(-1, 1, (filters, 2, 1, 1)))
    weights = net.quant(raw, 4, signed=1, scale=net.random.uniform(0.1, 0.3, (filters, 1, 1, 1)))
    bias = net.constant("bias", net.random.uniform(-1, 1, filters))
    return net.add("Conv", [net.quant("x", 4, scale=0.19), weights, bias], (1, filters, *net.shapes["x"][2:]),
                   kernel_shape=[1, 1])


def ended(net: Net, x: str, scale: float = 0.11) -> Net:
    net.conv(net.quant(x, 5, scale=scale, signed=1), 2)
    return net


def agreeing(net: Net, folder) -> Executors:
    case = Executors(net.model(), folder)
    assert case.check_exactly()
    case.check_file()
    case.check_emulator()
    return case


def falling_largest(net: Net) -> str:
    """The largest of values that fall as those of hardware rise."""
    x = net.quant("x", 4, scale=0.13)
    x = net.add("Mul", [x, net.constant("negative", -0.5)], net.shapes[x])
    return net.pool(x, (3, 3), strides=[1, 1], pads=[1] * 4) if net.shapes[x][2] < 6 else net.pool(x)


READERS = {
    "convolution": lambda net, x: net.conv(x, 2, 1, pads=[0] * 4),
    "mean": lambda net, x: net.quant(net.pool(x, (3, 2), kind="AveragePool"), 4, scale=0.09, signed=1),
    "sigmoid": lambda net, x: net.add("Sigmoid", [x], net.shapes[x]),
    "classes": lambda net, x: net.add("ArgMax", [x], (1, 1, *net.shapes[x][2:]), axis=1),
    "product": lambda net, x: net.quant(net.add("Mul", [x, x], net.shapes[x]), 4, scale=0.1),
}


@pytest.mark.parametrize("reader", READERS)
def test_what_waits_for_a_quantizer_is_not_read_before(reader, tmp_path):
    def net(quantized):
        net = Net((1, 2, 6, 8))
        x = falling_largest(net)
        READERS[reader](net, net.quant(x, 4, scale=0.05, signed=1) if quantized else x)
        return net

    with pytest.raises(IllegalGraphError, match=r"'MaxPool_2', which it reads, is built only with a quantizer behind "
                                                r"it; put one between the two"):
        ingest(net(quantized=False).model())
    assert "MaxPool" in op_types(ingest(net(quantized=True).model()).model)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_channels_of_their_own_scales_become_blocks_behind_the_quantizer(mode, tmp_path):
    net = Net((1, 2, 4, 6))
    x = net.add("DepthToSpace", [sums_of_channels(net, 8)], (1, 2, 8, 12), blocksize=2, mode=mode)
    case = agreeing(ended(net, net.relu(x)), tmp_path)
    assert op_types(case.graph.model) == ["Quant", "Conv", "Requantize", "PixelBlocks", "Conv"]


def test_numbers_for_each_channel_behind_mixed_ones_are_refused(tmp_path):
    def net(quantized):
        net = Net((1, 2, 4, 6))
        x = net.add("DepthToSpace", [sums_of_channels(net, 8)], (1, 2, 8, 12), blocksize=2)
        x = net.quant(x, 6, scale=0.07, signed=1) if quantized else x
        factors = net.constant("factors", np.array([0.3, -0.7]).reshape(2, 1, 1))
        return ended(net, net.add("Mul", [x, factors], net.shapes[x]))

    with pytest.raises(IllegalGraphError, match=r"it has numbers for each channel behind 'DepthToSpace_\d', .* put a "
                                                r"quantizer between the two"):
        ingest(net(quantized=False).model())
    agreeing(net(quantized=True), tmp_path)


def padded(net: Net, x: str, pads: tuple[int, ...]) -> str:
    shape = [side + pads[axis] + pads[axis + 4] for axis, side in enumerate(net.shapes[x])]
    return net.add("Pad", [x, net.constant("pads", pads, np.int64)], shape)


def sliced(net: Net, x: str, start: int, end: int) -> str:
    """Some of the channels."""
    places = [net.constant(f"place{index}", [value], np.int64) for index, value in enumerate((start, end, 1))]
    return net.add("Slice", [x, *places], (1, end - start, *net.shapes[x][2:]))


@pytest.mark.parametrize("pads", [(0, 1, 0, 0, 0, 0, 0, 0), (0, 1, 1, 0, 0, 2, 0, 1)])
def test_channels_beside_channels_of_zeros_keep_their_scales(pads, tmp_path):
    net = Net((1, 2, 4, 6))
    agreeing(ended(net, padded(net, sums_of_channels(net, 3), pads)), tmp_path)


def test_some_of_the_channels_keep_their_scales(tmp_path):
    net = Net((1, 2, 4, 6))
    agreeing(ended(net, sliced(net, sums_of_channels(net, 4), 1, 3)), tmp_path)


def test_channels_that_move_by_one_take_their_scales_with_them(tmp_path):
    """By one node, which ONNX's reference does not compute, as by two."""
    one, two = Net((1, 2, 4, 6)), Net((1, 2, 4, 6))
    ended(one, padded(one, sums_of_channels(one, 3), (0, 1, 0, 0, 0, -1, 0, 0)))
    # Of as many nodes, so that both draw the same weights.
    ended(two, sliced(two, padded(two, sums_of_channels(two, 3), (0, 1, 0, 0, 0, 0, 0, 0)), 0, 3))
    moved = Executors(one.model(), tmp_path / "one")
    assert moved.check_exactly()
    assert np.array_equal(moved.expected, agreeing(two, tmp_path / "two").expected)


def test_a_mean_in_front_of_two_quantizers_that_are_one(tmp_path):
    """A mean of nine is a fraction, which a quantizer that is built as it stands may round, and no other."""
    net = Net((1, 2, 4, 6))
    mean = net.pool(net.quant("x", 4), (3, 3), kind="AveragePool", strides=[1, 1], pads=[1] * 4, count_include_pad=1)
    net.shapes[mean] = (1, 2, 4, 6)
    one = net.quant(mean, 5, zero=7)
    agreeing(ended(net, net.quant(one, 4, zero=5)), tmp_path)


def test_a_relu_of_fixed_point_sums_may_be_read_where_other_scales_are_none(tmp_path):
    net = Net((1, 2, 4, 6))
    sums = net.conv(net.relu(net.conv(net.quant("x", 4), 3)), 2)
    agreeing(ended(net, sums), tmp_path)


def test_fractions_that_a_quantizer_rounds_are_compared_behind_it(tmp_path):
    net = Net((1, 2, 5, 6))
    mean = net.add("GlobalAveragePool", [net.quant("x", 4)], (1, 2, 1, 1))
    net.conv(net.quant(net.conv(net.quant(mean, 5, -4), 2, 1, pads=[0] * 4), 4, scale=0.3), 2, 1, pads=[0] * 4)
    graph = ingest(net.model())
    images = np.random.default_rng(0).uniform(0, 2, (3, *graph.input_shape)).astype(np.float32)
    assert not any(check.differing for check in reference(graph, images).checks)
    agreeing(net, tmp_path)


def test_limits_in_front_of_numbers_for_each_channel_are_thresholds(tmp_path):
    """Of three channels one has both of its ends within what the others reach, and so three lines."""
    net = Net((1, 2, 4, 6))
    x = sums_of_channels(net, 3)
    x = net.add("Clip", [x, net.constant("low", 0), net.constant("high", 0.5)], net.shapes[x])
    factors = net.constant("factors", np.array([0.3, -0.7, 0.9]).reshape(3, 1, 1))
    case = agreeing(ended(net, net.add("Mul", [x, factors], net.shapes[x]), 0.023), tmp_path)
    assert "MultiThreshold" in op_types(case.graph.model)


def test_a_product_of_which_all_bits_are_dropped_is_generated(tmp_path):
    """Where one channel rises slowly and another not at all, offsets end in more zeros than a product has bits."""
    net = Net((1, 1, 4, 6))
    x = net.quant("x", 2, -1, signed=1)
    x = net.add("Mul", [x, net.constant("slow", 0.001)], net.shapes[x])
    x = net.add("Add", [x, net.constant("high", 0.5)], net.shapes[x])
    case = agreeing(ended(net, x, 0.23), tmp_path)
    lowered = lower(read_network(case.model), "net").graph
    assert generate(fold(lowered, cycle_choices(lowered)[0]), tmp_path / "verilog")


def test_sums_of_thirty_bits_have_their_steps(tmp_path):
    """As a product of two images without a quantizer behind it makes them."""
    net = Net((1, 2, 4, 6))
    one = net.quant("x", 8, scale=0.013)
    other = net.quant(one, 8, scale=0.011, signed=1)
    x = net.add("Mul", [one, other], net.shapes[one])
    raw = net.constant("raw", net.random.uniform(-1, 1, (2, 2, 3, 3)))
    x = net.conv(x, 2, weights=net.quant(raw, 12, signed=1, scale=2**-11 * 1.3), bias=None)
    case = agreeing(ended(net, x), tmp_path)
    assert max(attribute(node, "shift", 0) for node in case.graph.model.graph.node) > 44
