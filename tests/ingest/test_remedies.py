"""No remedy of a rule fails when it is followed: a network that breaks the rule, and the one that took the remedy.

The rules of ``test_legality.py`` have theirs there. The last test finds rules whose remedy nobody has followed.
"""

import ast
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto
from qonnx.core.modelwrapper import ModelWrapper

import quantunet_hls
from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import as_meant, ingest, violations
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST
from tests.builders import QUANT_DOMAIN, Net
from tests.ingest.test_legality import ILLEGAL_AND_LEGAL

SHAPE = (1, 2, 4, 6)


def broken(build, output="logits"):
    """What is said of the network, as the rule and the remedy for each."""
    net = Net(SHAPE)
    build(net)
    proto = net.proto(net.nodes[-1].output[0])
    # Whatever type it comes out with.
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.UNDEFINED
    try:
        infer_types(ingest(ModelWrapper(proto), output).model)
    except IllegalGraphError as error:
        return [(each.rule, each.remedy) for each in error.violations]
    return []


def node(op_type, *constants, shape=SHAPE, last="quant", image=None, **attributes):
    """A node behind a quantized layer, with constants behind its image, and something behind it."""
    def build(net):
        source = net.quant(net.conv(net.quant("x"), 2)) if image is None else image(net)
        inputs = []
        for place, value in enumerate(constants):
            inputs.append("" if value is None else net.constant(f"c{place}", value, np.asarray(value).dtype))
        made = net.add(op_type, [source, *inputs], shape, name="it", **attributes)
        return {"quant": net.quant, "conv": lambda source: net.conv(source, 2), "none": str}[last](made)
    return build


def two(op_type, one, other, shape, **attributes):
    """A node of two images, each what is made of the quantized one."""
    def build(net):
        image = net.quant("x")
        net.quant(net.add(op_type, [one(net, image), other(net, image)], shape, name="it", **attributes))
    return build


def conv(filters=2, **settings):
    return lambda net, image: net.conv(image, filters, **settings)


def blocks(channels, block):
    shape = (1, channels // block**2, 4 * block, 6 * block)
    return lambda net: net.quant(net.add("DepthToSpace", [net.quant(net.conv(net.quant("x"), channels))], shape,
                                         blocksize=block, name="it"))


def one_by(op_type):
    return lambda net: net.quant(net.add(op_type, [net.constant("one", 1.0), net.quant("x")], SHAPE, name="it"))


def of_itself(op_type, more=None):
    """What comes and the same with something added."""
    def build(net):
        image = net.quant("x")
        other = image if more is None else net.add("Add", [image, net.constant("more", more)], SHAPE)
        net.quant(net.add(op_type, [image, other], SHAPE, name="it"))
    return build


def floats(*values):
    return np.array(values, dtype=np.float32)


def whole(*values):
    return np.array(values, dtype=np.int64)


def resize(rows=2, columns=2, channels=1, last=True, **attributes):
    def build(net):
        made = net.resize(net.quant("x"), rows, columns, channels=channels, name="it", **attributes)
        return net.quant(made) if last else net.conv(made, 2)
    return build


def reduced(op_type, *axes, keepdims=1, shape=(1, 2, 1, 1)):
    return node(op_type, shape=shape, last="quant" if keepdims else "none", axes=list(axes), keepdims=keepdims)


def up(**attributes):
    """A transposed convolution to three channels."""
    def build(net):
        net.add("ConvTranspose", [net.quant("x"), net.weights((2, 3, 3, 3))], (1, 3, 9, 13), name="it",
                **({"kernel_shape": [3, 3], "strides": [2, 2]} | attributes))
    return build


def linear(behind=0.25, scale=0.25, zero=0, between=None, last=True):
    """A convolution in the form of QuantizeLinear and DequantizeLinear."""
    def build(net):
        net.constant("step", 0.25), net.constant("zero", 0, np.int8)
        net.constant("given", scale), net.constant("behind", behind), net.constant(
            "zeros", np.broadcast_to(zero, np.shape(scale)), np.int8)
        source = net.add("QuantizeLinear", ["x", "given", "zeros"], SHAPE)
        source = between(net, source) if between else source
        source = net.add("DequantizeLinear", [source, "behind", "zeros"], SHAPE)
        weights = net.add("DequantizeLinear", [net.constant("w", np.ones((2, 2, 1, 1)), np.int8), "step", "zero"],
                          (2, 2, 1, 1))
        made = net.add("Conv", [source, weights], SHAPE, kernel_shape=[1, 1])
        made = net.add("QuantizeLinear", [made, "step", "zero"], SHAPE)
        return net.add("DequantizeLinear", [made, "step", "zero"], SHAPE) if last else made
    return build


def readers(count, split=0):
    """A value with so many readers, of which some read it behind another layer."""
    def build(net):
        value = net.relu(net.quant("x"))
        other = net.quant(value) if split else value
        net.concat(*(net.quant(other if place < split else value, 2, -place) for place in range(count)))
    return build


def sigmoid_of(channels, behind=True):
    def build(net):
        logits = net.conv(net.quant("x"), channels)
        return net.add("Sigmoid", [logits], net.shapes[logits], name="it") if behind else logits
    return build


def compared(limit, channels=1, sigmoid=False):
    def build(net):
        logits = net.conv(net.quant("x"), channels)
        value = net.add("Sigmoid", [logits], net.shapes[logits]) if sigmoid else logits
        net.add("Greater", [value, net.constant("limit", limit)], net.shapes[logits], name="it")
    return build


def classes(axis, shape):
    return lambda net: net.add("ArgMax", [net.conv(net.quant("x"), 2)], shape, axis=axis, name="it")


def joined_axis(axis):
    def build(net):
        image = net.quant("x")
        net.concat(image, net.conv(image, 2), axis=axis)
    return build


def joined_orders(same):
    def build(net):
        image = net.quant("x")
        turned = net.transpose(net.transpose(image, (0, 2, 3, 1)), (0, 3, 1, 2)) if same else net.add(
            "Transpose", [net.conv(image, 2, pads=[1, 1, 3, 1])], (1, 2, 6, 6), perm=[0, 1, 3, 2])
        other = image if same else net.conv(image, 2, pads=[1, 1, 3, 1])
        net.concat(turned, other)
    return build


def last_of(transposed):
    """A channels-last pooling of a channels-first image."""
    def build(net):
        image = net.conv(net.quant("x"), 2)
        image = net.transpose(image, (0, 2, 3, 1)) if transposed else image
        net.add("MaxPool", [image], (1, 2, 3, 2) if transposed else (1, 1, 3, 6), domain=CHANNELS_LAST,
                kernel_shape=[2, 2], strides=[2, 2])
    return build


def indices(read):
    def build(net):
        net.pool(net.quant("x"), name="it")
        if read:
            net.nodes[-1].output.append("where")
            net.shapes["where"] = (1, 2, 2, 3)
            net.concat(net.nodes[-1].output[0], net.add("Cast", ["where"], (1, 2, 2, 3), to=TensorProto.FLOAT))
    return build


def beside_a_constant(joined):
    def build(net):
        net.constant("raw", np.ones(SHAPE))
        image = net.quant("x")
        net.conv(net.concat(image, net.quant("raw")) if joined else image, 2)
    return build


# Networks of scales that are no powers of two.


def odd(net, filters=2, image=None, **settings):
    """A convolution of such weights; its values have no quantizer behind them."""
    image = net.quant("x", scale=0.3) if image is None else image
    channels = net.shapes[image][1]
    raw = net.constant(f"odd{len(net.nodes)}", net.random.uniform(-1, 1, (filters, channels, 1, 1)))
    return net.conv(image, filters, 1, weights=net.quant(raw, scale=settings.pop("scale", 0.07), signed=1),
                    **({"bias": None} | settings))


def odd_scales(net):
    return odd(net, scale=np.array([0.07, 3e-12]).reshape(2, 1, 1, 1))


def chain(*parts):
    """Each part makes a tensor of a net and the tensor before it."""
    def build(net):
        made = None
        for part in parts:
            made = part(net, made)
        return made
    return build


def start(kind=odd):
    return lambda net, _: kind(net)


def quant(**settings):
    return lambda net, source: net.quant(source, **({"scale": 0.4, "signed": 1} | settings))


def does(op_type, *constants, shape=None, name="it", **attributes):
    def part(net, source):
        inputs = [net.constant(f"{op_type}{place}_{len(net.nodes)}", value) for place, value in enumerate(constants)]
        return net.add(op_type, [source, *inputs], shape or net.shapes[source], name=name, **attributes)
    return part


def slope(net, source):
    """One that is no shift."""
    return net.add("LeakyRelu", [source], net.shapes[source], name="slope", alpha=0.1)


def again(net, source):
    return net.conv(source, 2, 1)


def with_branch(op_type, branch, *, mended=None):
    """A node of two images: what came, and what ``branch`` makes of the quantized image."""
    def part(net, source):
        other = branch(net, "t0")
        images = [source, other] if mended is None else [mended(net, source), mended(net, other)]
        shape = list(net.shapes[images[0]])
        shape[1] += net.shapes[images[1]][1] if op_type == "Concat" else 0
        return net.add(op_type, images, shape, name="it", **({"axis": 1} if op_type == "Concat" else {}))
    return part


def of_image(mended=None, **settings):
    def part(net, image):
        made = odd(net, image=image, **settings)
        return made if mended is None else net.quant(made, scale=mended, signed=1)
    return part


def wide(net):
    return odd(net, image=net.quant("x", 20, scale=0.3))


def port(scale):
    return lambda net, _: net.quant("x", 8, scale=scale)


def halved(net, image):
    """The image in steps of a half."""
    return net.quant(net.relu(image), scale=0.5)


def to_pixels(net, source):
    channels = net.shapes[source][1] // 4
    return net.add("DepthToSpace", [source], (1, channels, 8, 12), blocksize=2, name="it")


def each_channel(net, source):
    return net.add("Mul", [source, net.constant("each", np.reshape([0.9, 0.3], (2, 1, 1)))], net.shapes[source])


def of_both_signs(net):
    return odd(net, image=net.quant("x", scale=0.3, signed=1))


def sums_of(net, bits):
    """Sums of numbers of so many bits, times weights of 16."""
    raw = net.constant("wide", net.random.uniform(-1, 1, (2, 2, 3, 3)))
    weights = net.quant(raw, 16, scale=3.7e-5, signed=1)
    return net.conv(net.quant("x", bits, scale=3.3 / 2**bits), 2, weights=weights, bias=None)


def of_channels(net, source):
    return net.add("ArgMax", [source], (1, 1, 4, 6), axis=1, name="it")


_FALLING = does("Mul", -0.3, name="falls")


def pool(net, source):
    return net.pool(source, (3, 3), strides=[1, 1], pads=[1] * 4)


#: By name: a network that breaks a rule, what its remedy is, and one that took it.
REMEDIES = {
    "another's operator": (node("Relu", domain=QUANT_DOMAIN), "use that of ONNX", node("Relu")),
    "a constant beside the image": (beside_a_constant(True), "remove it", beside_a_constant(False)),
    "a fifth axis": (node("Mul", np.full((1,) * 5, 0.5, np.float32), shape=(1, *SHAPE)),
                     "keep batch, channels, height and width", node("Mul", floats(0.5))),
    "eight readers": (readers(8), "split it with another layer", readers(8, split=4)),
    "rows put behind one another": (joined_axis(2), "choose their axis", joined_axis(1)),
    "classes of rows": (classes(2, (1, 2, 1, 6)), "choose their axis", classes(1, (1, 1, 4, 6))),
    "channels repeated": (resize(2, 2, 2), "leave channels at 1", resize(2, 2)),
    "channels interpolated": (resize(2, 2, 2, mode="linear"), "leave channels at 1", resize(2, 2, mode="linear")),
    "a padded batch": (node("Pad", whole(1, 0, 0, 0, 0, 0, 0, 0), shape=(2, 2, 4, 6)), "leave the batch as it is",
                       node("Pad", whole(0, 0, 1, 0, 0, 0, 0, 0), shape=(1, 2, 5, 6))),
    "two orders of axes": (joined_orders(False), "transpose its inputs to the same order", joined_orders(True)),
    "channels first where last is read": (last_of(False), "add the missing Transpose", last_of(True)),
    "images of two shapes": (two("Add", conv(), conv(1), SHAPE), "bring both branches to one shape, with a 1 x 1",
                             two("Add", conv(), lambda net, image: net.conv(net.conv(image, 1), 2, 1), SHAPE)),
    "factors of another shape": (
        two("Mul", conv(), conv(strides=(4, 1)), SHAPE), "bring them to one shape, or one of them to one channel, to "
        "one pixel", two("Mul", conv(), conv(1, kernel=1), SHAPE)),
    "linear, cropped": (resize(2, 2, mode="linear", coordinate_transformation_mode="tf_crop_and_resize"), "use one of "
                        "half_pixel", resize(2, 2, mode="linear", coordinate_transformation_mode="half_pixel")),
    "linear, by what lies inside": (resize(2, 2, mode="linear", exclude_outside=1), "set exclude_outside to 0",
                                    resize(2, 2, mode="linear", exclude_outside=0)),
    "linear, thirds": (resize(3, 3, mode="linear", last=False), "put a quantizer right behind it, or upsample by 2",
                       resize(3, 3, mode="linear")),
    "linear, thirds, to halves": (resize(3, 3, mode="linear", last=False), "or upsample by 2, 4, 8",
                                  resize(2, 2, mode="linear", last=False)),
    "far upsampling": (resize(65, 1), "upsample by 64 at most", resize(64, 1)),
    "sizes of no multiple": (node("Resize", None, None, whole(1, 2, 5, 6), shape=(1, 2, 5, 6)), "upsample by 2, 3, 4",
                             node("Resize", None, None, whole(1, 2, 12, 12), shape=(1, 2, 12, 12))),
    "padding by what is near": (node("Pad", whole(0, 0, 1, 1, 0, 0, 1, 1), shape=(1, 2, 6, 8), mode="reflect"),
                                "pad with zeros", node("Pad", whole(0, 0, 1, 1, 0, 0, 1, 1), shape=(1, 2, 6, 8))),
    "padding by ones": (node("Pad", whole(0, 0, 1, 1, 0, 0, 1, 1), np.float32(1), shape=(1, 2, 6, 8)), "pad with zeros",
                        node("Pad", whole(0, 0, 1, 1, 0, 0, 1, 1), np.float32(0), shape=(1, 2, 6, 8))),
    "every second channel": (node("Slice", whole(0), whole(2), whole(1), whole(2), shape=(1, 1, 4, 6)),
                             "slice those that are side by side, each piece by itself",
                             node("Slice", whole(0), whole(1), whole(1), shape=(1, 1, 4, 6))),
    "rows from below": (node("Slice", whole(3), whole(-5), whole(2), whole(-1)), "slice forwards",
                        node("Slice", whole(0), whole(3), whole(2), whole(2), shape=(1, 2, 2, 6))),
    "large blocks": (node("SpaceToDepth", shape=(1, 32, 1, 1), blocksize=4), "use blocks of 2 x 2, or a convolution "
                     "with a stride in its place", node("SpaceToDepth", shape=(1, 8, 2, 3), blocksize=2)),
    "blocks beyond the edge": (node("SpaceToDepth", shape=(1, 8, 1, 3), blocksize=2, image=lambda net: net.quant(
        net.conv(net.quant("x"), 2, pads=[0, 1, 1, 1]))), "use images of an even height and width",
        node("SpaceToDepth", shape=(1, 8, 2, 3), blocksize=2)),
    "a split batch": (node("Split", whole(1), axis=0), "keep batch, channels, height and width",
                      node("Split", whole(2), axis=1)),
    "a mean of channels": (reduced("ReduceMean", 1, shape=(1, 1, 4, 6)), "reduce height and width of an image",
                           reduced("ReduceMean", 2, 3)),
    "a mean without its axes": (reduced("ReduceMean", 2, 3, keepdims=0, shape=(1, 2)), "reduce height and width of an "
                                "image, and keep both axes", reduced("ReduceMean", -1, -2)),
    "dilated pooling": (node("MaxPool", shape=(1, 2, 2, 4), kernel_shape=[2, 2], dilations=[2, 2]),
                        "use a dilation of 1", node("MaxPool", shape=(1, 2, 3, 5), kernel_shape=[2, 2])),
    "where maxima lie": (indices(True), "drop the second output", indices(False)),
    "a division of images": (two("Div", conv(), conv(), SHAPE), "join them by Add, Mul or Concat",
                             two("Mul", conv(), conv(), SHAPE)),
    "a division by an image": (one_by("Div"), "multiply by a constant", node("Mul", floats(0.3))),
    "an exponential of large numbers": (
        node("Exp", image=lambda net: net.quant("x", 12, 20)), "put a quantizer of smaller values in front of an",
        node("Exp", image=lambda net: net.quant("x", 12, -10))),
    "an exponential of large sums": (
        node("Exp", image=lambda net: net.conv(net.quant("x", 12, 20), 2)),
        "put a quantizer of smaller values in front of it",
        node("Exp", image=lambda net: net.quant(net.conv(net.quant("x", 12, 20), 2), 8, -4))),
    "a division by what may be 0": (of_itself("Div"), "divide by nothing that can be 0", of_itself("Div", 1.0)),
    "pixels of too few channels": (blocks(6, 2), "give it a multiple of as many channels", blocks(8, 2)),
    "half a zero point": (lambda net: [net.relu(net.quant("x")), net.constant("q0_zero", 0.5)],
                          "use a symmetric quantizer", lambda net: [net.relu(net.quant("x"))]),
    "two bipolar scales": (node("BipolarQuant", np.array([0.5, 0.25], np.float32).reshape(1, 2, 1, 1),
                                domain=QUANT_DOMAIN), "use one scale a tensor",
                           node("BipolarQuant", np.float32(0.5), domain=QUANT_DOMAIN)),
    "limits the wrong way round": (node("Clip", np.float32(1), np.float32(-1)), "give the lower one first",
                                   node("Clip", np.float32(-1), np.float32(1))),
    "a function of two": (lambda net: net.quant(net.add("Abs", [net.add("Add", [image := net.quant("x"), net.conv(
        image, 2)], SHAPE)], SHAPE)), "put a quantizer behind what joins them",
        lambda net: net.quant(net.add("Abs", [net.quant(net.add("Add", [image := net.quant("x"), net.conv(image, 2)],
                                                                 SHAPE))], SHAPE))),
    "a function of sums": (node("Abs", image=lambda net: net.conv(net.quant("x"), 2)),
                           "put a quantizer of at most 12 bits in front of it", node("Abs")),
    "a function of many values": (node("Abs", image=lambda net: net.quant("x", 16)),
                                  "put a quantizer of at most 12 bits in front of it",
                                  node("Abs", image=lambda net: net.quant("x", 12))),
    "a function that is not quantized": (node("Tanh", last="conv"), "put a quantizer behind it", node("Tanh")),
    "a root of negative numbers": (node("Pow", np.float32(0.5), image=lambda net: net.quant("x", signed=1)),
                                   "use powers of 0, 1, 2 ...",
                                   node("Pow", np.float32(2), image=lambda net: net.quant("x", signed=1))),
    "a sigmoid compared": (compared(0.3, sigmoid=True), "compare it with 0.5, or its logits with the logit of that",
                           compared(0.5, sigmoid=True)),
    "logits compared": (compared(0.3, sigmoid=True), "or its logits with the logit of that",
                        compared(np.log(0.3 / 0.7))),
    "masks compared": (compared(0.5, channels=2), "use ArgMax, or compare a single channel", compared(0.5)),
    "a fringe as wide as the stride": (up(output_padding=[2, 2]), "use one below the stride",
                                       up(output_padding=[1, 1])),
    # Scales of any kind.
    "numbers of one pixel each": (chain(start(), quant(), does("Mul", np.random.default_rng(0).uniform(0.5, 1, (4, 6))),
                                        again, quant()), "use one number a channel",
                                  chain(start(), quant(), does("Mul", np.full((2, 1, 1), 0.7)), again, quant())),
    "an order turned twice": (chain(start(), _FALLING, pool, does("Mul", -0.7), quant()),
                              "put a quantizer between the two",
                              chain(start(), _FALLING, pool, quant(), does("Mul", -0.7), quant())),
    "maxima that fall, joined": (chain(start(), _FALLING, pool, with_branch("Concat", of_image()), quant()),
                                 "put one between the two",
                                 chain(start(), _FALLING, pool, quant(), with_branch("Concat", of_image()), quant())),
    "products of shifted numbers": (
        chain(start(lambda net: odd(net, bias="random")), with_branch("Mul", of_image(bias="random")), quant()),
        "put a quantizer in front of it",
        chain(start(lambda net: odd(net, bias="random")), with_branch("Mul", of_image(bias="random"), mended=quant()),
              quant())),
    "a mean of shifted numbers and padding": (
        chain(start(lambda net: odd(net, bias="random")), does("AveragePool", kernel_shape=[3, 3], pads=[1] * 4,
                                                               count_include_pad=1, strides=[1, 1]), quant()),
        "put a quantizer in front of it",
        chain(start(lambda net: odd(net, bias="random")), quant(), does(
            "AveragePool", kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1, strides=[1, 1]), quant())),
    "values behind an activation": (chain(start(), slope, again, quant()), "put a quantizer in front of it",
                                    chain(start(), slope, quant(), again, quant())),
    "a limit between levels": (chain(start(), quant(bits=6), does("Clip", 0.0, 1.0, name="clip"), again, quant()),
                               "put a quantizer in front of it",
                               chain(start(), quant(bits=6), does("Clip", 0.0, 1.0, name="clip"), quant(), again,
                                     quant())),
    "an activation at the end": (chain(start(), slope), "put one behind it", chain(start(), slope, quant())),
    "a sum of two scales at the end": (chain(start(), with_branch("Add", of_image(scale=0.05))),
                                       "put one straight behind it, or share one",
                                       chain(start(), with_branch("Add", of_image(scale=0.05)), quant())),
    "a sum of too many pairs": (
        chain(start(wide), with_branch("Add", of_image(scale=0.05)), quant(bits=10)),
        "put a quantizer in front of each branch of the sum",
        chain(start(wide), quant(), with_branch("Add", of_image(scale=0.05, mended=0.4)), quant(bits=10))),
    "a sum of two scales with ties": (
        chain(port(0.75), with_branch("Add", halved), quant(bits=10, scale=0.5)), "best the same one",
        chain(port(0.5), with_branch("Add", halved), quant(bits=10, scale=0.5))),
    "many levels of a function": (
        chain(start(), does("Tanh"), quant(bits=12, scale=0.001)), "quantize to at most 8 bits",
        chain(start(), does("Tanh"), quant(bits=8, scale=0.01))),
    "a function of levels": (
        chain(start(), does("Tanh"), quant(bits=12, scale=0.001)), "put a quantizer of at most 12 bits in front of the",
        chain(start(), quant(bits=8, scale=0.02), does("Tanh"), quant(bits=12, scale=0.001))),
    "very many levels": (chain(start(wide), quant(bits=24, scale=0.001)), "quantize to fewer bits",
                         chain(start(wide), quant(bits=8))),
    "classes of many scales": (chain(start(odd_scales), of_channels), "put a quantizer behind it, or use weights",
                               chain(start(odd_scales), quant(), of_channels)),
    "classes of weights of one scale": (chain(start(odd_scales), of_channels), "or use weights of one scale for all "
                                        "filters", chain(start(), of_channels)),
    "a truncation of anything": (
        node("Trunc", *floats(0.3, 0, 8, 5), domain=QUANT_DOMAIN), "put it right behind an average pooling of a "
        "quantized image", lambda net: net.quant(net.add("Trunc", [net.pool(net.quant("x", 4, -2), kind="AveragePool"),
                                                                   *(net.constant(f"n{place}", value) for place, value
                                                                     in enumerate((2.0**-4, 0, 6, 4)))], (1, 2, 2, 3),
                                                         domain=QUANT_DOMAIN))),
    "numbers for each channel behind mixed channels": (
        chain(start(partial(odd, filters=8, bias="random")), to_pixels, each_channel, quant()),
        "put a quantizer between the two",
        chain(start(partial(odd, filters=8, bias="random")), to_pixels, quant(), each_channel, quant())),
    "limits of what falls and rises": (
        chain(start(of_both_signs), does("PRelu", np.full((2, 1, 1), -0.5)), does("Clip", -0.2, 0.5), each_channel,
              quant(scale=0.02, bits=6)), "put a quantizer between two of these functions",
        chain(start(of_both_signs), does("PRelu", np.full((2, 1, 1), -0.5)), quant(), does("Clip", -0.2, 0.5),
              each_channel, quant(scale=0.02, bits=6))),
    "sums of many bits": (
        chain(start(partial(sums_of, bits=18)), quant(bits=10, scale=0.03)),
        "quantize what is summed in front of it to fewer bits",
        chain(start(partial(sums_of, bits=6)), quant(bits=10, scale=0.03))),
    # Codes.
    "zero points a channel": (linear(zero=np.array([0, 1]), scale=[0.25] * 2, behind=[0.25] * 2),
                              "use one zero point a tensor", linear(zero=1)),
    "codes at the end": (linear(last=False), "put a DequantizeLinear behind it", linear()),
    "codes of another scale": (linear(behind=0.5), "give both the same", linear()),
    "codes that are computed with": (linear(between=lambda net, codes: net.add("Abs", [codes], SHAPE)),
                                     "quantize to the QDQ form", linear()),
}


@pytest.mark.parametrize("name", REMEDIES)
def test_the_remedy_works(name):
    breaks, remedy, mended = REMEDIES[name]
    said = broken(breaks)
    assert any(remedy in each for _, each in said), said
    assert broken(mended) == []


#: What is said where a mask is asked for of a network that ends in several.
MASKS = "leave the sigmoid out, or ask for the logits"


def test_a_mask_of_several_masks():
    ((_, remedy),) = broken(sigmoid_of(2), "mask")
    assert remedy == MASKS
    assert broken(sigmoid_of(2, behind=False), "mask") == broken(sigmoid_of(2)) == []


# Which remedies there are.

#: Followed in the tests of older opsets.
APART = ("use nn.BatchNorm2d",
         # For what only another pass could bring about, and what no small network here comes to.
         "put a quantizer straight in front of it", "use a quantizer with another scale, or one with rounding mode")

_PACKAGE = Path(quantunet_hls.__file__).parent
#: What can't be done to a graph here: the file is damaged, or the network must be trained or exported in another way.
ELSEWHERE = ("export the network", "train the network", "calibrate the network", "use constant weights",
             "round the width before export", "bring the network's values near 1", "quantize statically")
#: Behind ONNX's own checks, which refuse such a file before.
BEHIND_ONNX = ("use Conv2d", "use ConvTranspose2d", "use a 2-d pooling layer", "concatenate channels",
               "pad by constant numbers", "slice at constant places", "split into parts of constant sizes",
               "use interpolate(scale_factor=2)",
               "clip to two numbers", "use one scale a tensor or one a channel", "quantize to integers of 2 to 16 bits")


def remedies():
    """The remedies of all rules, as patterns, with where they stand."""
    files = [*_PACKAGE.glob("ops/**/*onnx.py"), *_PACKAGE.glob("ops/qonnx/*.py"), *_PACKAGE.glob("ingest/passes/*.py"),
             *_PACKAGE.glob("ingest/absorb/*.py"), _PACKAGE / "ingest/legality.py", _PACKAGE / "ops/padding/parts.py",
             _PACKAGE / "ops/stages/cast/other_quantizers.py"]
    for file in files:
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and len(call.args) >= 2 and getattr(call.func, "id", "") in (
                    "IllegalGraphError", "illegal", "WrongLinearError"):
                pattern = _pattern(call.args[-1])
                if pattern.strip(".*"):
                    yield f"{file.relative_to(_PACKAGE)}:{call.lineno}", pattern


def _pattern(text):
    if isinstance(text, ast.Constant):
        return re.escape(str(text.value))
    if isinstance(text, ast.JoinedStr):
        return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in text.values)
    return ".*"


def test_every_remedy_has_been_followed():
    followed = [remedy for breaks, _, _ in REMEDIES.values() for _, remedy in broken(breaks)]
    for illegal, _, _ in ILLEGAL_AND_LEGAL.values():
        net = Net(SHAPE)
        illegal(net)
        followed += [error.remedy for error in violations(as_meant(net.model()))]
    followed.append(MASKS)
    exempt = tuple(map(re.escape, (*ELSEWHERE, *BEHIND_ONNX, *APART)))
    missing = {where: pattern for where, pattern in remedies() if not pattern.startswith(exempt) and not any(
        re.fullmatch(pattern, remedy) for remedy in followed)}
    assert not missing
