"""QDQ networks as QONNX graphs: the file, computed by ONNX's own reference, gives the same values."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_dtypes import int4, uint4
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.qcdq_to_qonnx import QCDQToQuant

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.ingest import as_meant, load_qonnx, run_graph, violations
from quantunet_hls.ingest.passes.linear_quantizers import WHY
from quantunet_hls.ops.qonnx.graph import attribute, constant, only
from tests.exact_onnx import exact_outputs
from tests.linear import Qdq


def load(net, folder):
    path = folder / "net.onnx"
    path.write_bytes(net.proto().SerializeToString())
    return load_qonnx(path)


def ties(shape, count=4):
    """Images of quarters, so that many lie in the middle between two steps."""
    return np.random.default_rng(0).integers(-40, 60, (count, *shape[1:])).astype(np.float32) / 4


def same_values(net, folder, images=None):
    """The graph that the package reads, after a look at what it computes."""
    model = load(net, folder)
    images = ties(net.shapes["x"]) if images is None else images
    (expected,) = exact_outputs(model.model, images)
    meant = as_meant(model)
    assert {node.op_type for node in meant.graph.node}.isdisjoint({"QuantizeLinear", "DequantizeLinear"})
    assert not any(attribute(node, WHY) for node in meant.graph.node)
    assert np.array_equal(run_graph(meant, images)[only(meant, "output")], expected)
    return meant


def quantizers(model):
    return [node for node in model.graph.node if node.op_type == "Quant"]


def told(model, node):
    scale, zero, bits = (constant(model, name) for name in node.input[1:])
    return (float(scale.flat[0]), float(zero), float(bits), attribute(node, "signed"), attribute(node, "narrow"))


#: Types of codes, with the opset from which on they can be quantized to.
TYPES = ((np.uint8, 10), (np.int8, 10), (np.int16, 21), (np.uint16, 21), (int4, 21), (uint4, 21))


@given(st.sampled_from(TYPES), st.data())
@settings(max_examples=60)
def test_any_codes_between_any_limits(tmp_path_factory, kind, data):
    dtype, opset = kind
    bits, signed = (4 if dtype in (int4, uint4) else np.dtype(dtype).itemsize * 8), dtype in (np.int8, np.int16, int4)
    least = -(1 << (bits - 1)) if signed else 0
    code = st.integers(max(least, -40), min(least + (1 << bits) - 1, 60))
    zero = data.draw(st.none() | code) if dtype == np.uint8 else data.draw(code)
    limits = None
    if bits == 8 and data.draw(st.booleans()):
        limits = tuple(sorted((data.draw(code), data.draw(code))))
        opset = 13
    net = Qdq((1, 2, 4, 6), opset=opset)
    scale = data.draw(st.sampled_from([0.25, 1.0, 0.1]))
    net.leaky(net.qdq("x", np.array(scale).reshape(data.draw(st.sampled_from([(), (1,)]))), zero, dtype, limits))
    meant = same_values(net, tmp_path_factory.mktemp("net"))
    assert all(attribute(node, "rounding_mode") == "ROUND" for node in quantizers(meant))


@pytest.mark.parametrize(("dtype", "zero", "limits", "expected"), [
    (np.int8, 0, None, (8, 1, 0)), (np.uint8, 0, None, (8, 0, 0)), (np.uint8, None, None, (8, 0, 0)),
    (np.int8, -128, None, (8, 0, 0)), (np.uint8, 128, None, (8, 1, 0)), (np.int8, 0, (-7, 7), (4, 1, 1)),
    (np.int8, 0, (-8, 7), (4, 1, 0)), (np.uint8, 0, (None, 63), (6, 0, 0)), (np.int8, 0, (0, 31), (5, 0, 0)),
])
def test_what_is_symmetric_or_unsigned_needs_no_zero_point(dtype, zero, limits, expected, tmp_path):
    net = Qdq()
    net.leaky(net.qdq("x", 0.5, zero, dtype, limits))
    meant = same_values(net, tmp_path)
    (node,) = quantizers(meant)
    bits, signed, narrow = expected
    assert told(meant, node) == (0.5, 0, bits, signed, narrow)


@pytest.mark.parametrize(("zero", "count"), [(58, 1), (59, 2)])
def test_an_odd_zero_point_takes_a_rounding_of_its_own(zero, count, tmp_path):
    net = Qdq()
    net.leaky(net.qdq("x", 0.5, zero))
    found = quantizers(same_values(net, tmp_path))
    assert len(found) == count
    assert constant(load(net, tmp_path), "l0_zero") == zero


@pytest.mark.parametrize("axis", [1, -3])
def test_scales_of_channels_of_an_activation(axis, tmp_path):
    net = Qdq()
    net.leaky(net.qdq("x", [0.5, 0.25], [3, 3], np.uint8, axis=axis))
    meant = same_values(net, tmp_path)
    assert constant(meant, quantizers(meant)[0].input[1]).shape == (1, 2, 1, 1)


@pytest.mark.parametrize(("kind", "dtype", "axis", "zero"), [
    ("Conv", np.int8, 0, [0, 0, 0]), ("Conv", np.uint8, -4, [7, 120, 9]), ("ConvTranspose", np.int8, 1, [0, 0, 0]),
    ("Conv", np.int8, None, 0), ("Conv", np.uint8, None, 131), ("Conv", int4, None, 0), ("Conv", uint4, 0, [8, 3, 0])])
def test_integer_weights_and_biases(kind, dtype, axis, zero, tmp_path):
    net = Qdq(opset=21 if dtype in (int4, uint4) else 13)
    scale = 0.125 if axis is None else [0.5, 0.25, 0.125]
    reach = {np.uint8: (0, 255), uint4: (0, 15), int4: (-8, 7), np.int8: (-128, 127)}[dtype]
    net.linear_conv(net.qdq("x", 0.25, 0, np.int8), 3, scale, zero, dtype, kind=kind, reach=reach, axis=axis,
                    kernel=3 if kind == "Conv" else 2, bias=np.multiply(scale, 0.25))
    meant = same_values(net, tmp_path)
    image, weights, bias = quantizers(meant)
    assert told(meant, image) == (0.25, 0, 8, 1, 0)
    assert told(meant, weights)[1] == told(meant, bias)[1] == 0
    if not np.any(zero):
        assert told(meant, weights)[2] == (4 if dtype == int4 else 8)
    shape = constant(meant, weights.input[1]).shape
    assert shape == (() if axis is None else (3, 1, 1, 1) if kind == "Conv" else (1, 3, 1, 1))


def test_a_bias_is_as_wide_as_its_codes_and_one_beyond_any_quantizer_is_a_constant(tmp_path):
    net = Qdq()
    value = net.linear_conv(net.qdq("x", 0.25, 0, np.int8), 2, bias=2.0**-5)
    codes = next(name for name, given in net.initializers.items() if given.dtype == np.int32 and given.ndim)
    net.initializers[codes][:] = (1 << 20, -3)
    net.relu(value)
    meant = same_values(net, tmp_path)
    assert told(meant, quantizers(meant)[-1])[2:4] == (22, 1)
    net.initializers[codes][:] = (1 << 28, -(1 << 28))
    meant = same_values(net, tmp_path)
    assert len(quantizers(meant)) == 2


def test_float_weights_that_the_file_quantizes_itself_with_limits_between(tmp_path):
    net = Qdq()
    raw = net.constant("raw", net.random.uniform(-3, 3, (3, 2, 3, 3)))
    weights = net.qdq(raw, [0.5, 0.25, 0.125], [0, 0, 0], np.int8, (-7, 7), axis=0)
    net.add("Conv", [net.qdq("x", 0.25, 0, np.int8), weights], (1, 3, 4, 6), kernel_shape=[3, 3], pads=[1] * 4)
    meant = same_values(net, tmp_path)
    (weights,) = [node for node in quantizers(meant) if constant(meant, node.input[0]) is not None]
    assert told(meant, weights)[1:] == (0, 4, 1, 1)


def test_limits_of_integer_weights_say_how_wide_they_are(tmp_path):
    net = Qdq()
    codes = net.clip(net.integers((3, 2, 3, 3), -3, 3), -7, 7, np.int8)
    weights = net.dequantize(codes, 0.5, 0, np.int8)
    net.add("Conv", [net.qdq("x", 0.25, 0, np.int8), weights], (1, 3, 4, 6), kernel_shape=[3, 3], pads=[1] * 4)
    meant = same_values(net, tmp_path)
    (weights,) = [node for node in quantizers(meant) if constant(meant, node.input[0]) is not None]
    assert told(meant, weights)[1:] == (0, 4, 1, 1)


def test_several_read_the_codes_or_the_values(tmp_path):
    net = Qdq()
    codes = net.quantize("x", 0.25, 3)
    first, second = net.dequantize(codes, 0.25, 3), net.dequantize(codes, 0.25, 3)
    narrow = net.dequantize(net.clip(codes, 0, 10), 0.25, 3)
    both = net.add("Add", [net.leaky(first), second], net.shapes["x"])
    net.add("Add", [net.add("Add", [both, first], net.shapes["x"]), narrow], net.shapes["x"])
    assert len(quantizers(same_values(net, tmp_path))) == 4


def test_what_is_quantized_twice_alike_is_quantized_once(tmp_path):
    """As onnxruntime writes them around layers that move values, and PyTorch where observers are shared."""
    net = Qdq()
    one, other = net.qdq("x", 0.5, 4), net.qdq(net.relu("x"), 0.5, 4)
    pooled = net.qdq(net.pool(one), 0.5, 4)
    pooled = net.qdq(net.qdq(net.transpose(pooled, (0, 1, 2, 3)), 0.5, 4), 0.5, 4)
    net.concat(net.qdq(net.concat(one, other), 0.5, 4), net.qdq(net.resize(pooled), 0.5, 4))
    assert len(quantizers(same_values(net, tmp_path))) == 2
    # Another scale, fewer codes, and what has been computed between are quantized anew.
    for change in ({"scale": 0.25}, {"scale": 0.5, "limits": (0, 9)}):
        net = Qdq()
        net.leaky(net.qdq(net.qdq("x", 0.5, 4), zero=4, **change))
        assert len(quantizers(same_values(net, tmp_path))) > 1
    net = Qdq()
    net.leaky(net.qdq(net.pool(net.qdq("x", 0.5, 4), kind="AveragePool"), 0.5, 4))
    assert len(quantizers(same_values(net, tmp_path))) == 2


@pytest.mark.parametrize(("zero", "dtype", "found"), [
    (0, np.int8, [(7, 0)]), (5, np.int8, [(7, 0), (7, 0)]), (0, np.uint8, [(8, 0)]), (-128, np.int8, [(8, 0)]),
    (127, np.int8, [(1, 0), (1, 0)])])
def test_a_relu_of_codes_is_a_limit_of_them(zero, dtype, found, tmp_path):
    """As onnxruntime leaves it where activations are symmetric."""
    net = Qdq()
    net.leaky(net.relu(net.qdq("x", 0.5, zero, dtype)))
    meant = same_values(net, tmp_path)
    assert "Relu" not in [node.op_type for node in meant.graph.node]
    assert [told(meant, node)[2:4] for node in quantizers(meant)] == found
    # Read by others, the codes below 0 are needed all the same.
    net = Qdq()
    value = net.qdq("x", 0.5, 0, np.int8)
    net.add("Add", [net.relu(value), value], net.shapes["x"])
    assert [told(meant, node)[2:4] for meant in [same_values(net, tmp_path)] for node in quantizers(meant)] == [
        (8, 1), (7, 0)]


def test_codes_that_only_move_are_values_that_do(tmp_path):
    net = Qdq((1, 2, 4, 6), opset=13)
    codes = net.quantize("x", 0.5, 6, np.int8)
    other = net.quantize(net.relu("x"), 0.5, 6, np.int8)
    joined = net.concat(net.pool(codes), net.pool(other))
    net.leaky(net.dequantize(net.transpose(joined, (0, 1, 3, 2)), 0.5, 6, np.int8))
    meant = same_values(net, tmp_path)
    assert [node.op_type for node in meant.graph.node].count("MaxPool") == 2
    assert all(info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT for info in meant.graph.value_info
               if not info.name.endswith("_scale"))


def test_a_network_that_ends_in_values_of_codes_keeps_its_outputs_name(tmp_path):
    net = Qdq()
    value = net.qdq("x", 0.5, 0)
    net.dequantize(net.quantize(net.pool(value), 0.5, 0), 0.5, 0, output="y")
    assert only(same_values(net, tmp_path), "output") == "y"


@pytest.mark.parametrize("limits", [None, (-7, 7), (-8, 7), (-127, 127)])
def test_it_is_what_qonnx_makes_of_it_where_that_is_right(limits, tmp_path):
    net = Qdq()
    net.leaky(net.qdq("x", 0.25, 0, np.int8, limits))
    theirs = ModelWrapper(net.proto()).transform(InferShapes()).transform(QCDQToQuant())
    mine = same_values(net, tmp_path)
    (one,), (other,) = quantizers(theirs), quantizers(mine)
    assert told(theirs, one)[:3] == told(mine, other)[:3]
    assert [attribute(one, name) for name in ("signed", "narrow", "rounding_mode")] == [
        attribute(other, name) for name in ("signed", "narrow", "rounding_mode")]


def refusals(net, folder):
    return [(error.node, str(error)) for error in violations(as_meant(load(net, folder)))]


def computed_scale(net):
    scale = net.add("Relu", [net.pool("x")], (1, 2, 2, 3))
    return net.add("QuantizeLinear", ["x", scale], net.shapes["x"], name="bad")


@pytest.mark.parametrize(("make", "said"), [
    (lambda net: net.dequantize(computed_scale(net), 0.5), "scale is computed, not constant; quantize statically"),
    (lambda net: net.qdq("x", [0.5, 0.25], [1, 2], axis=1), "zero point differs from channel to channel; use one"),
    (lambda net: net.dequantize(net.quantize("x", 0.5, 3), 0.25, 3), "scale or its zero point is another than that of"),
    (lambda net: net.dequantize(net.quantize("x", 0.5, 3), 0.5, 4), "scale or its zero point is another than that of"),
    (lambda net: net.qdq("x", [[0.5] * 6] * 4, None, axis=1, block_size=1), "a scale for each block of numbers; use"),
    (lambda net: net.qdq("x", -0.5), "scale is not above 0; calibrate"),
    (lambda net: net.qdq("x", [0.5, 0.25], [0, 0], axis=7), "its axis 7 is none of a tensor of 4 axes"),
    (lambda net: net.quantize("x", 0.5), "result are codes; put a DequantizeLinear behind it"),
    (lambda net: net.dequantize(net.add("Add", [net.quantize("x", 0.5)] * 2, net.shapes["x"]), 0.5),
     "Add computes with codes; quantize to the QDQ form"),
])
def test_what_cannot_be_read_says_why_once(make, said, tmp_path):
    net = Qdq(opset=21)
    make(net)
    found = [text for _, text in refusals(net, tmp_path) if said in text]
    assert len(found) == 1


def test_operators_that_compute_with_codes_are_refused_with_the_form_that_does_not(tmp_path):
    net = Qdq()
    weights = net.integers((2, 2, 1, 1), -8, 7, np.int8)
    codes = net.add("QLinearConv", [
        net.quantize("x", 0.5, 0), "l0_scale", "l0_zero", weights, net.constant("ws", 0.5),
        net.constant("wz", 0, np.int8), net.constant("ys", 0.5), net.constant("yz", 0, np.uint8)], net.shapes["x"])
    net.leaky(net.dequantize(codes, 0.5, 0))
    assert any("QuantFormat.QDQ" in text for _, text in refusals(net, tmp_path))


def test_onnxruntimes_own_quantizers_of_16_bits_are_onnxs(tmp_path):
    net = Qdq(opset=17)
    net.leaky(net.qdq("x", 0.25, 0, np.int16))
    model = net.proto()
    for node in model.graph.node[:2]:
        node.domain = "com.microsoft"
    model.opset_import.add(domain="com.microsoft", version=1)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    meant = as_meant(load_qonnx(path))
    assert told(meant, quantizers(meant)[0]) == (0.25, 0, 16, 1, 0)
    model.graph.node[2].domain = "com.microsoft"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ConfigurationError, match=r"foreign domain 'com\.microsoft'"):
        load_qonnx(path)


def weights_of_no_numbers(net):
    raw = net.constant("raw", np.full((2, 2, 3, 3), np.nan))
    return net.add("Conv", [net.qdq("x", 0.5), net.qdq(raw, 0.5)], (1, 2, 4, 6), kernel_shape=[3, 3], pads=[1] * 4)


def weights_of_floats(net):
    weights = net.dequantize(net.constant("raw", np.ones((2, 2, 3, 3))), 0.5, None)
    return net.add("Conv", [net.qdq("x", 0.5), weights], (1, 2, 4, 6), kernel_shape=[3, 3], pads=[1] * 4)


@pytest.mark.parametrize(("make", "said"), [
    (weights_of_no_numbers, "it quantizes constants that are no finite numbers; train"),
    (weights_of_floats, "its codes are of the type FLOAT; quantize to integers"),
    (lambda net: net.linear_conv(net.qdq("x", 0.5), 3, [0.5, 0.25], [0, 0], axis=0),
     "its 2 scales and 2 zero points do not fit a tensor of shape [3, 2, 3, 3]"),
])
def test_constants_that_mean_nothing(make, said, tmp_path):
    net = Qdq(opset=13)
    make(net)
    assert any(said in text for _, text in refusals(net, tmp_path))
