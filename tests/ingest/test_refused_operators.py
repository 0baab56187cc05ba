"""No remedy fails when it is followed: for each operator without a room a network that has it, and one that took it."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import as_meant, violations
from quantunet_hls.ops.qonnx.node_kinds import node_kinds
from quantunet_hls.ops.qonnx.refused import REFUSED
from tests.builders import QUANT_DOMAIN, Net

SHAPE = (1, 2, 4, 6)


def found(build, opset=23):
    net = Net(SHAPE)
    proto = net.proto(build(net))
    next(entry for entry in proto.opset_import if not entry.domain).version = opset
    # Some of these operators give other types than float32.
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.UNDEFINED
    try:
        return list(violations(as_meant(ModelWrapper(proto))))
    except IllegalGraphError as error:
        return list(error.violations)


def behind(op_type, *constants, shape=SHAPE, outputs=1, domain="", **attributes):
    """A node behind a layer, with constants behind its image and a layer behind its first output."""
    def build(net):
        image = net.quant(net.conv(net.quant("x"), 2))
        inputs = [net.constant(f"c{place}", value, np.asarray(value).dtype) for place, value in enumerate(constants)]
        return net.add(op_type, [image, *inputs], shape, name="it", domain=domain, **attributes)
    return build


def floats(*values):
    return np.array(values, dtype=np.float32)


def whole(*values):
    return np.array(values, dtype=np.int64)


def in_rows(op_type, **attributes):
    """A recurrent layer over the rows of an image."""
    def build(net):
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op_type]
        rows = net.add("Reshape", [net.quant("x"), net.constant("rows", (8, 1, 6), np.int64)], (8, 1, 6))
        weights = [net.constant(name, np.zeros(shape)) for name, shape in (
            ("w", (1, gates * 3, 6)), ("r", (1, gates * 3, 3)))]
        return net.add(op_type, [rows, *weights], (8, 1, 1, 3), name="it", hidden_size=3, **attributes)
    return build


def of_integers(op_type):
    """A node that computes with codes."""
    def build(net):
        image = net.quant("x")
        net.nodes.append(helper.make_node("DynamicQuantizeLinear", [image], ["codes", "step", "zero"], name="before"))
        if op_type == "DynamicQuantizeLinear":
            net.nodes[-1].name = "it"
            return net.add("Cast", ["codes"], SHAPE, to=TensorProto.FLOAT)
        byte = np.ones((2, 2, 1, 1), np.int8)
        if op_type == "ConvInteger":
            return net.add("ConvInteger", ["codes", net.constant("w", byte, np.int8)], SHAPE, name="it")
        if op_type == "MatMulInteger":
            return net.add("MatMulInteger", ["codes", net.constant("w", np.ones((6, 6)), np.int8)], SHAPE, name="it")
        step, zero = net.constant("s", 1.0), net.constant("z", 0, np.uint8)
        weights = net.constant("w", byte if op_type == "QLinearConv" else np.ones((6, 6)), np.uint8)
        return net.add(op_type, ["codes", step, zero, weights, step, zero, step, zero], SHAPE, name="it")
    return build


def image_of(op_type):
    """A node that reads no image but makes one, which a layer joins to the network's."""
    def build(net):
        net.nodes.append(helper.make_node(op_type, [], ["other"], name="it", shape=SHAPE))
        net.shapes["other"] = SHAPE
        return net.concat(net.quant("x"), net.quant("other"))
    return build


def normalized(net):
    values = {"scale": (1.5, 0.5), "shift": (0.25, -1), "mean": (0.5, 0), "variance": (1, 2)}
    constants = [net.constant(name, value) for name, value in values.items()]
    return net.quant(net.add("BatchNormalization", [net.conv(net.quant("x"), 2), *constants], SHAPE))


def in_linear_form(net):
    """QuantizeLinear and DequantizeLinear between the usual operators."""
    step, zero = net.constant("step", 0.25), net.constant("zero", 0, np.int8)

    def through(source, shape):
        return net.add("DequantizeLinear", [net.add("QuantizeLinear", [source, step, zero], shape), step, zero], shape)

    weights = net.add("DequantizeLinear", [net.constant("w", np.ones((2, 2, 1, 1)), np.int8), step, zero], (2, 2, 1, 1))
    return through(net.add("Conv", [through("x", SHAPE), weights], SHAPE, kernel_shape=[1, 1]), SHAPE)


def layer(**attributes):
    return lambda net: net.conv(net.quant("x"), 2, **attributes)


def classes(net):
    return net.add("ArgMax", [net.conv(net.quant("x"), 2)], (1, 1, 4, 6), axis=1)


def compared(net):
    return net.add("Greater", [net.conv(net.quant("x"), 1), net.constant("limit", 0.5)], (1, 1, 4, 6))


def of_parts(net):
    image = net.quant("x")
    return net.concat(net.conv(image, 1), net.conv(image, 1))


def pooled(kind):
    return lambda net: net.pool(net.quant("x"), kind=kind)


_ONES = floats(1, 1)
#: By op type: a network with it, and one that took its remedy.
REMEDIES = {
    "InstanceNormalization": (behind("InstanceNormalization", _ONES, _ONES), normalized),
    "GroupNormalization": (behind("GroupNormalization", _ONES, _ONES, num_groups=2), normalized),
    "LayerNormalization": (behind("LayerNormalization", floats(*[1] * 6)), normalized),
    "RMSNormalization": (behind("RMSNormalization", floats(*[1] * 6)), normalized),
    "MeanVarianceNormalization": (behind("MeanVarianceNormalization", axes=[0, 2, 3]), normalized),
    "LpNormalization": (behind("LpNormalization"), normalized),
    "LRN": (behind("LRN", size=3), normalized),
    **{name: (behind(name, whole(2, 3), shape=(1, 2, 1, 1)), pooled("AveragePool")) for name in REFUSED
       if name.startswith("Reduce")},
    "MaxUnpool": (behind("MaxUnpool", np.zeros(SHAPE, np.int64), shape=(1, 2, 8, 12), kernel_shape=[2, 2],
                         strides=[2, 2]), lambda net: net.resize(net.quant("x"))),
    "Gemm": (lambda net: net.add("Gemm", [net.add("Flatten", [net.quant("x")], (1, 48)), net.constant(
        "w", np.ones((48, 2)))], (1, 2), name="it"), layer(kernel=1)),
    "MatMul": (behind("MatMul", np.eye(6, dtype=np.float32)), layer(kernel=1)),
    "MatMulInteger": (of_integers("MatMulInteger"), layer(kernel=1)),
    "QLinearMatMul": (of_integers("QLinearMatMul"), layer(kernel=1)),
    "Einsum": (behind("Einsum", np.eye(2, dtype=np.float32), equation="nchw,dc->ndhw"), layer(kernel=1)),
    **{name: (behind(name, axis=1), classes) for name in ("Softmax", "LogSoftmax", "Hardmax")},
    **{name: (in_rows(name), layer()) for name in ("LSTM", "GRU", "RNN")},
    "Reshape": (behind("Reshape", whole(1, 4, 2, 6), shape=(1, 4, 2, 6)), layer()),
    "Flatten": (behind("Flatten", shape=(1, 48)), layer()),
    "Squeeze": (behind("Squeeze", whole(0), shape=SHAPE[1:]), layer()),
    "Unsqueeze": (behind("Unsqueeze", whole(0), shape=(1, *SHAPE)), layer()),
    "Expand": (behind("Expand", whole(2, 2, 4, 6), shape=(2, 2, 4, 6)), layer()),
    "Tile": (behind("Tile", whole(1, 1, 2, 2), shape=(1, 2, 8, 12)), layer()),
    "Gather": (behind("Gather", whole(1, 0), axis=1), of_parts),
    "GatherElements": (behind("GatherElements", np.zeros(SHAPE, np.int64), axis=1), of_parts),
    "GatherND": (behind("GatherND", np.zeros((1, 1), np.int64)), of_parts),
    **{name: (behind(name, floats(0.5)), compared) for name in ("GreaterOrEqual", "Less", "LessOrEqual", "Equal")},
    "Cast": (behind("Cast", to=TensorProto.FLOAT16), layer()),
    "CastLike": (behind("CastLike", np.zeros(1, np.float16)), layer()),
    "Dropout": (behind("Dropout", floats(0.5)[0], np.array(True)), layer()),
    **{name: (image_of(name), layer()) for name in ("RandomNormal", "RandomUniform")},
    **{name: (behind(name), layer()) for name in ("RandomNormalLike", "RandomUniformLike", "Bernoulli")},
    "Multinomial": (lambda net: net.add("Multinomial", [net.add("Flatten", [net.quant("x")], (1, 48))], (1, 3),
                                        name="it", sample_size=3), layer()),
    "MaxRoiPool": (behind("MaxRoiPool", np.zeros((1, 5), np.float32), shape=(1, 2, 2, 2), pooled_shape=[2, 2]),
                   pooled("MaxPool")),
    **{name: (of_integers(name), in_linear_form) for name in ("ConvInteger", "QLinearConv", "DynamicQuantizeLinear")},
    "FloatQuant": (behind("FloatQuant", *[floats(1)[0]] * 5, domain=QUANT_DOMAIN), layer()),
    "MultiThreshold": (behind("MultiThreshold", np.zeros((2, 3), np.float32), domain=QUANT_DOMAIN), layer()),
}


def test_every_operator_of_the_list_is_here_and_no_room_takes_it_from_a_file():
    assert set(REMEDIES) == set(REFUSED)
    assert not set(REFUSED) & {kind.op_type for kind in node_kinds().values() if kind.admitted}


@pytest.mark.parametrize("op_type", REFUSED)
def test_the_remedy_works(op_type):
    broken, mended = REMEDIES[op_type]
    refusal = REFUSED[op_type]
    (error,) = [error for error in found(broken) if error.node == "it"]
    assert (error.rule, error.remedy) == (f"operator {op_type} {refusal.rule}", refusal.remedy)
    assert found(mended) == []
