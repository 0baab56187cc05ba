"""Graphs that no exporter writes: each is refused in a sentence that names the node, whatever is odd about it."""

import sys

import numpy as np
import pytest
from onnx import TensorProto, helper

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError, QuantUNetError
from quantunet_hls.ingest import ingest, load_qonnx, violations
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST
from tests.builders import QUANT_DOMAIN, Net, small_unet


def answer(net, folder):
    """The sentence for a net that was saved."""
    path = folder / "net.onnx"
    path.write_bytes(net.proto(net.nodes[-1].output[0]).SerializeToString())
    with pytest.raises(QuantUNetError) as caught:
        infer_types(ingest(load_qonnx(path)).model)
    said = str(caught.value)
    # One sentence, or, where several rules are broken, one for each.
    first, *reasons = said.split("\n")
    assert first.endswith(":" if reasons else ".")
    assert all(reason.endswith((".", ")")) for reason in reasons)
    return said


def scale_without_inputs(net):
    net.nodes.append(helper.make_node("RandomNormal", [], ["scale"], shape=[1]))
    net.add("Quant", ["x", "scale", net.constant("z", 0), net.constant("b", 4)], (1, 2, 4, 6), domain=QUANT_DOMAIN)


def weights_without_inputs(net):
    net.nodes.append(helper.make_node("RandomNormal", [], ["w"], shape=[2, 2, 3, 3]))
    net.conv(net.quant("x"), 2, weights="w")


def scale_of_a_scale(net):
    net.constant("raw", 0.5)
    scale = net.quant("raw", 4, -3)
    net.add("Quant", ["x", scale, net.constant("z", 0), net.constant("b", 4)], (1, 2, 4, 6), domain=QUANT_DOMAIN)


def quantized_constant_beside_the_image(net):
    net.constant("raw", np.ones((1, 2, 4, 6)))
    net.concat(net.quant("x"), net.quant("raw"))


def quantized_constant_in_the_images_place(net):
    net.constant("raw", np.ones((1, 2, 4, 6)))
    net.quant("x")
    net.relu(net.quant("raw"))


def image_for_a_scale(net):
    image = net.quant("x")
    net.add("Quant", [image, image, net.constant("z", 0), net.constant("b", 4)], (1, 2, 4, 6), domain=QUANT_DOMAIN)


def image_for_a_bias(net):
    image = net.quant("x")
    net.add("Conv", [image, net.weights((2, 2, 3, 3)), image], (1, 2, 4, 6), pads=[1] * 4)


def of(scales, **attributes):
    def build(net):
        net.add("Resize", [net.quant("x"), "", net.constant("s", scales)], (1, 2, 8, 12), mode="nearest",
                coordinate_transformation_mode="asymmetric", nearest_mode="floor", **attributes)
    return build


def transposed(perm):
    return lambda net: net.relu(net.add("Transpose", [net.quant("x")], (1, 2, 4, 6), perm=perm))


def quantizer(**attributes):
    return lambda net: net.relu(net.add("Quant", ["x", net.constant("s", 0.5), net.constant("z", 0),
                                                  net.constant("b", 4)], (1, 2, 4, 6), domain=QUANT_DOMAIN,
                                        **attributes))


def quantizer_of(role, value, dtype=np.float32):
    def build(net):
        inputs = {"s": 0.5, "z": 0, "b": 4}
        names = [net.constant(name, inputs[name]) for name in inputs]
        net.constant(role, value, dtype)
        net.relu(net.add("Quant", ["x", *names], (1, 2, 4, 6), domain=QUANT_DOMAIN))
    return build


def kernel_of_another_size(net):
    net.add("Conv", [net.quant("x"), net.weights((2, 2, 5, 5))], (1, 2, 4, 6), kernel_shape=[3, 3], pads=[1] * 4)


def last(op_type, inputs=1, **attributes):
    """A node of the channels-last domain, whose attributes no schema of qonnx's looks at."""
    def build(net):
        image = net.quant("x")
        net.add(op_type, [image] * inputs, (1, 2, 4, 6), domain=CHANNELS_LAST, **attributes)
    return build


def foreign(op_type, domain):
    return lambda net: net.add(op_type, [net.quant("x")], (1, 2, 4, 6), domain=domain)


def dropout_whose_mask_is_read(net):
    net.quant("x")
    net.nodes.append(helper.make_node("Dropout", ["t0"], ["kept", "mask"], name="it"))
    net.shapes["kept"] = net.shapes["mask"] = (1, 2, 4, 6)
    net.relu("kept")
    net.add("Where", ["mask", "t2", "t2"], (1, 2, 4, 6))


def bool_of_an_index(net):
    classes = net.add("ArgMax", [net.conv(net.quant("x"), 3)], (1, 1, 4, 6), axis=1)
    whole = net.add("Cast", [classes], (1, 1, 4, 6), to=TensorProto.INT32)
    yes = net.add("Cast", [whole], (1, 1, 4, 6), to=TensorProto.BOOL)
    net.add("Cast", [yes], (1, 1, 4, 6), to=TensorProto.FLOAT)


def constant_result(net):
    net.constant("one", np.ones((1, 2, 4, 6)))
    net.quant(net.add("Squeeze", ["one", net.quant("x")], (1, 2, 4, 6)))


def square_parameters(net):
    values = [net.constant(f"v{place}", np.ones((2, 2))) for place in range(4)]
    net.quant(net.add("BatchNormalization", [net.conv(net.quant("x"), 2), *values], (1, 2, 4, 6)))


def constants_convolved(net):
    image = net.quant("x")
    raw = net.quant(net.constant("raw", np.ones(2)))
    net.add("Conv", [raw, image], (1, 2, 4, 6), kernel_shape=[3, 3])


def weights_of_five_axes(net):
    """Without a kernel_shape, onnx 1.21 itself ends the process."""
    net.add("Conv", [net.quant("x"), net.constant("w", np.ones((2, 2, 1, 1, 1)))], (1, 2, 4, 6))


def split_in_three(net):
    net.nodes.append(helper.make_node("Split", [net.quant("x")], ["one", "two", "three"], axis=1, num_outputs=2))
    net.shapes.update(dict.fromkeys(("one", "two", "three"), (1, 1, 4, 6)))
    net.concat("one", "two")


ODD = {
    "a scale that a node without inputs makes": scale_without_inputs,
    "weights that a node without inputs makes": weights_without_inputs,
    "a scale that is quantized": scale_of_a_scale,
    "a scale that is the image": image_for_a_scale,
    "a bias that is the image": image_for_a_bias,
    "a constant beside the image": quantized_constant_beside_the_image,
    "a constant in the image's place": quantized_constant_in_the_images_place,
    "scales that are no numbers": of([1, 1, np.nan, 2]),
    "scales without end": of([1, 1, np.inf, 2]),
    "negative scales": of([1, 1, -2, 2]),
    "scales in a square": of([[1, 1], [2, 2]]),
    "an order of axes that is none": transposed([0, 1, 1, 2]),
    "an order of five axes": transposed([0, 1, 2, 3, 4]),
    "a kernel of another size than its weights": kernel_of_another_size,
    "an attribute of another kind": quantizer(signed=0.5),
    "an attribute that is a list": quantizer(rounding_mode=[1, 2]),
    "an attribute out of range": quantizer(signed=7),
    "a scale of nothing": quantizer_of("s", np.zeros(0)),
    "a scale that is not a number": quantizer_of("s", np.nan),
    "a scale without end": quantizer_of("s", np.inf),
    "a scale of zero": quantizer_of("s", 0),
    "a negative scale": quantizer_of("s", -0.5),
    "a width of nothing": quantizer_of("b", np.zeros(0)),
    "a width that is not a number": quantizer_of("b", np.nan),
    "a zero point that is not a number": quantizer_of("z", np.nan),
    "channels last, no kernel": last("MaxPool"),
    "channels last, a text for a kernel": last("MaxPool", kernel_shape="22"),
    "channels last, no weights": last("Conv"),
    "channels last, too many inputs": last("AveragePool", 3, kernel_shape=[2, 2]),
    "channels last, an operator that there is not": last("Relu"),
    "an operator of ONNX's name from elsewhere": foreign("Relu", "qonnx.custom_op.general"),
    "an operator of a module's name": foreign("Quant", "antigravity"),
    "a constant result": constant_result,
    "parameters of a batch normalization in a square": square_parameters,
    "a width that is no number, in front of a function": lambda net: net.quant(net.add(
        "Tanh", [net.quant("x", np.nan)], (1, 2, 4, 6))),
    "a scale of nothing, behind a function": lambda net: net.quant(net.add("Tanh", [net.quant("x")], (1, 2, 4, 6)),
                                                                   scale=0.0),
    "constants convolved": constants_convolved,
    "weights of five axes": weights_of_five_axes,
    "more parts than a split has": split_in_three,
    "a mask of a dropout": dropout_whose_mask_is_read,
    "a class that becomes a yes or no": bool_of_an_index,
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_graph_is_refused_in_one_sentence(name, tmp_path):
    net = Net()
    ODD[name](net)
    answer(net, tmp_path)
    assert "antigravity" not in sys.modules


def test_quantizers_and_weights_that_the_legality_check_is_asked_about_alone():
    for build in (scale_without_inputs, weights_without_inputs, scale_of_a_scale):
        net = Net()
        build(net)
        assert all(isinstance(error, IllegalGraphError) for error in violations(tidy(net.model())))


def test_a_chain_of_casts_is_no_recursion():
    net = Net()
    name = net.add("ArgMax", [net.conv(net.quant("x"), 3)], (1, 1, 4, 6), axis=1)
    for _ in range(1500):
        name = net.add("Cast", [name], (1, 1, 4, 6), to=TensorProto.INT64)
    net.add("Cast", [name], (1, 1, 4, 6), to=TensorProto.FLOAT)
    assert [node.op_type for node in ingest(net.model()).model.graph.node] == ["Quant", "Conv", "ArgMax"]


def test_long_names_are_cut_where_a_sentence_is_made_of_them(tmp_path):
    net = Net()
    net.add("Softplus", [net.quant("x")], (1, 2, 4, 6), name="n" * 5000)
    sentence = answer(net, tmp_path)
    assert len(sentence) < 1300
    assert sentence.startswith("Node 'nnn")


def test_long_names_build(tmp_path):
    proto = small_unet().proto("t16")
    for node in proto.graph.node:
        node.name = "n" * 5000
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    assert all(len(node.name) < 50 for node in ingest(load_qonnx(path)).model.graph.node)


def test_names_that_steer_a_terminal_are_shown_as_text(tmp_path):
    net = Net()
    net.add("Softplus", [net.quant("x")], (1, 2, 4, 6), name="\x1b[2J\x07")
    assert answer(net, tmp_path).replace("\n", " ").isprintable()


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (2, 3, 3), (2, 3, 3, 3, 3)])
def test_weights_of_a_transposed_convolution_that_onnx_itself_dies_of(shape):
    net = Net()
    weights = net.quant(net.constant("raw", np.ones(shape)), 4, -1, signed=1)
    net.add("ConvTranspose", [net.quant("x"), weights], (1, 3, 6, 8), name="up")
    with pytest.raises(ConfigurationError, match="ConvTranspose 'up' has not an image and weights of four"):
        tidy(net.model())
