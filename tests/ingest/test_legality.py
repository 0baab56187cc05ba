"""One test for each rule: it names node, rule and remedy, and a sibling that keeps it passes."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import as_meant, violations
from quantunet_hls.ingest.passes.tabulate import tabulate
from quantunet_hls.ingest.passes.tidy import tidy
from tests.builders import QUANT_DOMAIN, Net, small_unet


def found(build: Callable[[Net], object], shape=(1, 2, 4, 6)) -> list[IllegalGraphError]:
    net = Net(shape)
    build(net)
    return list(violations(tabulate(as_meant(net.model()))))


def quant(**options):
    """A net whose second quantizer, named ``it``, has these settings."""
    return lambda net: net.relu(net.quant(net.conv(net.quant("x"), 2), **({"signed": 1, "name": "it"} | options)))


def weight_quant(**options):
    def build(net):
        raw = net.constant("raw", np.full((2, 2, 3, 3), 0.3))
        net.conv(net.quant("x"), 2, weights=net.quant(raw, signed=1, name="it", **options))
    return build


def conv(*, kernel=3, filters=2, **attributes):
    def build(net):
        image = net.quant("x")
        shape = attributes.pop("weights", (filters, 2 // attributes.get("group", 1), kernel, kernel))
        out = attributes.pop("out", (1, filters, 4, 6))
        inputs = [image, net.weights(shape)]
        net.add("Conv", inputs, out, name="it", **({"kernel_shape": [kernel] * 2, "pads": [kernel // 2] * 4}
                                                   | attributes))
    return build


def conv_of(weights, bias=None):
    """A convolution that reads constants as they are, without quantizers."""
    def build(net):
        inputs = [net.quant("x"), net.constant("w", weights)]
        if bias is not None:
            inputs.append(net.constant("b", bias))
        net.add("Conv", inputs, (1, 2, 4, 6), name="it", kernel_shape=[1, 1])
    return build


def pool(window=(2, 2), kind="MaxPool", **attributes):
    def build(net):
        net.pool(net.quant("x"), window, kind, name="it", **attributes)
    return build


def resize(rows=2, columns=2, **attributes):
    return lambda net: net.resize(net.quant("x"), rows, columns, name="it", **attributes)


def leaky(alpha):
    return lambda net: net.add("LeakyRelu", [net.quant("x", signed=1)], (1, 2, 4, 6), name="it", alpha=alpha)


def quantized_mean(net):
    net.quant(net.pool(net.quant("x"), (1, 3), "AveragePool"))


def transposed(*, weights=(2, 3, 3, 3), weights_of=None, **attributes):
    """A transposed convolution from 2 to 3 channels."""
    def build(net):
        image = net.quant("x")
        kernel = net.weights(weights) if weights_of is None else net.constant("w", weights_of)
        net.add("ConvTranspose", [image, kernel], (1, 3, 6, 8), name="it",
                **({"kernel_shape": [3, 3], "strides": [2, 2]} | attributes))
    return build


def classes(channels=2, **attributes):
    def build(net):
        return net.add("ArgMax", [net.conv(net.quant("x"), channels)], (1, 1, 4, 6), name="it", axis=1, keepdims=1,
                       **attributes)
    return build


def exceeds(limit):
    def build(net):
        logits = net.conv(net.quant("x"), 1)
        net.add("Greater", [logits, logits if limit is None else net.constant("limit", limit)], (1, 1, 4, 6),
                name="it")
    return build


def operator(op_type, **attributes):
    return lambda net: net.add(op_type, [net.quant("x")], (1, 2, 4, 6), name="it", **attributes)


def readers(count):
    def build(net):
        image = net.quant("x")
        value = net.add("Relu", [image], net.shapes[image], name="it")
        net.concat(*(net.quant(value, 2, -index) for index in range(count)))
    return build


def raw_first(net):
    net.conv("x", 2, name="it")


def constant_operand(net):
    image = net.quant("x")
    net.shapes["c"] = (1, 2, 4, 6)
    net.add("Concat", [image, net.constant("c", np.ones((1, 2, 4, 6)))], (1, 4, 4, 6), name="it", axis=1)


def transposed_batch(net):
    turned = net.add("Transpose", [net.quant("x")], (2, 1, 4, 6), name="it", perm=[1, 0, 2, 3])
    net.transpose(turned, (1, 0, 2, 3))


def computed_weights(net):
    image = net.quant("x")
    inputs = [image, net.add("Relu", [net.weights((2, 2, 1, 1))], (2, 2, 1, 1))]
    net.add("Conv", inputs, (1, 2, 4, 6), name="it", kernel_shape=[1, 1])


def not_a_number(net):
    values = np.full((2, 2, 3, 3), 0.3)
    values[1, 0, 2, 2] = np.nan
    net.conv(net.quant("x"), 2, values=values, name="it")


ILLEGAL_AND_LEGAL = {
    "no scale": (quant(scale=np.nan), "scale nan is not positive", quant(scale=0.3)),
    "negative scale": (quant(scale=-0.5), "not positive", quant(scale=0.5)),
    "zero scale": (quant(scale=0), "not positive", quant(scale=2.0)),
    "infinite scale": (quant(scale=np.inf), "not positive", quant(scale=4.0)),
    "far scale": (quant(scale=2.0**-61), r"beyond 2\*\*60", quant(scale=2.0**-60)),
    "scale of another shape": (quant(scale=np.full((3, 5), 0.5)), r"shape \[3, 5\] does not fit",
                               quant(scale=np.full((1, 2, 1, 1), 0.5))),
    "spread scales": (weight_quant(bits=8, scale=np.array([1, 2.0**-17]).reshape(2, 1, 1, 1)), "17 octaves",
                      weight_quant(bits=8, scale=np.array([1, 2.0**-16]).reshape(2, 1, 1, 1))),
    "no bits": (quant(bits=0), "bit width 0.0 is not one whole number.*round the width", quant(bits=1)),
    "part of a bit": (quant(bits=2.5), "bit width 2.5", quant(bits=2)),
    "unknown width": (quant(bits=np.nan), "bit width nan", quant(bits=3)),
    "too many bits": (quant(bits=25), "bit width 25", quant(bits=24)),
    "narrow and unsigned": (quant(signed=0, narrow=1), "narrow and unsigned.*set narrow to 0", quant(signed=0)),
    "narrow with one bit": (quant(bits=1, narrow=1), "leaves nothing but 0", quant(bits=2, narrow=1)),
    "rounding": (quant(rounding="CEIL"), "rounding mode CEIL.*ROUND or FLOOR", quant(rounding="FLOOR")),
    # Fact 7: constants that hls4ml would cut to 16 bits.
    "weights": (conv_of(np.reshape([0.3, 0.001, 1, 7], (2, 2, 1, 1))),
                "weights are not quantized.*quantizer for its weights",
                conv_of(np.full((2, 2, 1, 1), 0.3125))),
    "biases": (conv_of(np.ones((2, 2, 1, 1)), [np.inf, 0.3]), "biases are not quantized.*quantizer for its biases",
               conv_of(np.ones((2, 2, 1, 1)), [0.0001, 0.3])),
    "weights without value": (not_a_number, "weights hold values that are no finite numbers", conv()),
    "computed weights": (computed_weights, "weights are computed", conv()),
    "automatic padding": (conv(auto_pad="SAME_UPPER", pads=[2, 0, 0, 2]), "automatic padding.*as numbers", conv()),
    "cropping": (conv(kernel=1, pads=[-1, 0, 0, 0], out=(1, 2, 3, 6)), "negative padding.*crop the image", conv()),
    "two groups": (conv(filters=3, group=2, weights=(3, 1, 3, 3), out=(1, 3, 4, 6)), "2 groups do not divide its 3",
                   conv(filters=4, group=2, weights=(4, 1, 3, 3), out=(1, 4, 4, 6))),
    "biases that do not fit": (conv_of(np.ones((2, 2, 1, 1)), [0.5]), "do not fit 2 filters",
                               conv_of(np.ones((2, 2, 1, 1)), [0.5, 1])),
    "pooling of padding": (pool((2, 2), pads=[2, 0, 1, 0]), r"padding of \[2, 0, 1, 0\].*as large as the window",
                           pool((3, 3), pads=[1, 1, 1, 1], strides=[2, 1])),
    "automatic padding of a pooling": (pool(auto_pad="SAME_UPPER", pads=[1, 0, 0, 0]), "automatic padding.*as numbers",
                                       pool((3, 2), strides=[1, 1])),
    "a mean beside its padding": (pool((2, 2), "AveragePool", pads=[1, 1, 0, 0]), "another divisor.*count_include_pad",
                                  pool((2, 2), "AveragePool", pads=[1, 1, 0, 0], count_include_pad=1)),
    "rounded-up mean": (pool((2, 2), "AveragePool", strides=[3, 3], ceil_mode=1), "ceil_mode.*leave ceil_mode out",
                        pool((2, 2), "AveragePool", ceil_mode=1)),
    "a mean of three": (pool((1, 3), "AveragePool"), "mean of 3 values.*quantizer behind it", quantized_mean),
    "up by groups": (transposed(group=2, weights=(2, 2, 3, 3)), "of 2 groups.*one group", transposed()),
    "up with dilation": (transposed(dilations=[2, 2]), "dilated.*use dilation 1", transposed(strides=[3, 4])),
    "far up": (transposed(strides=[5, 5]), "stride of 5.*4 at most", transposed(strides=[4, 4])),
    "up and cropped": (transposed(pads=[3, 0, 0, 0]), "crops the image.*smaller than the kernel",
                       transposed(pads=[2, 0, 0, 2])),
    "up to a size": (transposed(output_shape=[9, 13], output_padding=[1, 1]), "automatic padding.*as numbers",
                     transposed(output_padding=[1, 1])),
    "up without quantizers": (transposed(weights_of=np.linspace(0.001, 0.3, 54).reshape(2, 3, 3, 3)),
                              "weights are not quantized",
                              transposed(weights_of=np.full((2, 3, 3, 3), 0.25))),
    "smooth upsampling": (resize(mode="cubic"), "cubic upsampling.*use nearest or bilinear",
                          resize(mode="linear", coordinate_transformation_mode="half_pixel")),
    "upsampling by a half": (resize(1.5, 1), "no constant whole multiple.*by 2, 3", resize(3, 1)),
    "other nearest pixels": (resize(nearest_mode="ceil"), "does not repeat each pixel equally.*asymmetric", resize()),
    "unknown nearest pixels": (resize(nearest_mode="whatever"), "does not repeat each pixel", resize(1, 2)),
    "slope without value": (leaky(float("nan")), "slope is nan", leaky(-0.1)),
    "a constant operand": (constant_operand, "constant can't be concatenated.*remove it", readers(2)),
    "a transposed batch": (transposed_batch, "batch must stay.*transpose the other three",
                           lambda net: net.transpose(net.transpose(net.quant("x"), (0, 2, 3, 1)), (0, 3, 1, 2))),
    "too many readers": (readers(8), "8 nodes read.*7 ways.*another layer", readers(7)),
    # Fact 9 and 3: without a quantizer behind the image nothing types the port.
    "raw image": (raw_first, "must go through one Quant node.*QuantIdentity in front", conv()),
    "nothing but a port": (lambda net: net.quant("x", name="it"), "nothing but the quantized image", conv()),
    "sigmoid inside": (lambda net: net.conv(net.add("Sigmoid", [net.quant("x")], (1, 2, 4, 6), name="it"), 2),
                       "Sigmoid can be built only as a table.*reads its result before.*quantizer behind",
                       operator("Sigmoid")),
    "what falls and rises behind sums": (lambda net: net.relu(net.quant(
        net.add("Abs", [net.conv(net.quant("x"), 2)], (1, 2, 4, 6), name="it"))),
        "no quantizer has rounded.*12 bits in front",
        lambda net: net.relu(net.quant(net.add("Abs", [net.quant(net.conv(net.quant("x"), 2))], (1, 2, 4, 6))))),
    "the last of equal classes": (classes(select_last_index=1), "highest of equal classes.*select_last_index",
                                  classes()),
    "one class": (classes(channels=1), "but one class.*Greater", classes(channels=3)),
    "classes inside": (lambda net: net.relu(
        net.add("Cast", [classes()(net)], (1, 1, 4, 6), to=1)), "ArgMax can be built only at the network's end",
                       classes()),
    "a computed limit": (exceeds(None), "with one constant", exceeds(0.25)),
    "a limit without value": (exceeds(np.nan), "with one constant", exceeds(-1.0)),
    "softmax": (operator("Softmax"), "operator Softmax.*export the logits", classes()),
    "unknown operator": (operator("Acos"), "operator Acos.*replace it by one of.*Conv", operator("Relu")),
}


@pytest.mark.parametrize("name", ILLEGAL_AND_LEGAL)
def test_the_illegal_one_is_named_with_a_remedy_and_its_sibling_passes(name):
    illegal, message, legal = ILLEGAL_AND_LEGAL[name]
    errors = found(illegal)
    assert errors
    error = next(error for error in errors if error.node == "it")
    assert re.search(message, str(error))
    assert str(error) == f"Node 'it': {error.rule}; {error.remedy}."
    assert found(legal) == []


@pytest.mark.parametrize("last", [False, True])
def test_a_unet_is_legal(last):
    assert list(violations(tidy(small_unet(last=last).model()))) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_quantizer_with_inputs_missing(count):
    net = Net()
    net.relu(net.quant("x", name="it"))
    model = net.model()
    del model.graph.node[0].input[count:]
    assert [error.node for error in violations(model)] == ["it"]


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_quantizer_whose_settings_are_computed(missing):
    net = Net()
    image = net.quant("x")
    inputs = [image, "q0_scale", "q0_zero", "q0_bits"]
    inputs[missing] = image
    net.relu(net.add("Quant", inputs, (1, 2, 4, 6), name="it", domain=QUANT_DOMAIN, signed=0, narrow=0,
                     rounding_mode="ROUND"))
    (error,) = violations(net.model())
    assert error.node == "it"
    assert "must be constant" in error.rule


def test_a_zero_point():
    net = Net()
    net.relu(net.quant("x", name="it"))
    net.constant("q0_zero", 3)
    assert not list(violations(net.model()))
    net.constant("q0_zero", 0.5)
    (error,) = violations(net.model())
    assert error.rule == "its zero point 0.5 is not one whole number"
    net.constant("q0_zero", 16)
    (error,) = violations(net.model())
    assert error.rule == "no level is 0: its zero point 16 is none of 0 to 15"


def test_weights_that_do_not_fit_the_channels():
    """Checked by shape inference for plain nodes, by nobody else for channels-last ones."""
    net = Net((1, 4, 6, 2), last=True)
    net.conv(net.quant("x"), 2, weights=net.weights((2, 3, 3, 5)), name="it")
    assert any(error.node == "it" and "do not fit an input of 2 channels" in error.rule
               for error in violations(tidy(net.model())))


def test_nodes_behind_one_that_makes_no_image_are_not_blamed():
    net = Net()
    flat = net.add("Flatten", [net.quant("x")], (1, 48), name="flat")
    last = net.add("Gemm", [net.relu(flat), net.constant("w", np.ones((48, 2)))], (1, 2), name="dense")
    net.quant(last)
    assert [error.node for error in violations(as_meant(net.model()))] == ["flat", "dense"]


def test_every_rule_that_a_node_breaks_is_named():
    net = Net()
    net.pool(net.quant("x"), (1, 3), "AveragePool", pads=[0, 1, 0, 1], strides=[1, 1], name="mean")
    rules = [error.rule for error in violations(as_meant(net.model())) if error.node == "mean"]
    assert [rule[:12] for rule in rules] == ["a mean that ", "the mean of "]
