"""The forms that ONNX has for one thing: each is built, and computes what ONNX Runtime makes of it."""

import re
from fractions import Fraction

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest import as_meant, ingest, run_graph, violations
from quantunet_hls.ingest.load import checked
from quantunet_hls.ops.qonnx.graph import attribute, only
from tests.builders import QUANT_DOMAIN, Net

SHAPE = (1, 2, 5, 6)


def file_of(op_type, *constants, opset=13, quantized=True, **attributes):
    """A file of one node behind the quantized image, or of the node alone; None stands for an absent input."""
    inputs = ["" if value is None else f"c{index}" for index, value in enumerate(constants)]
    nodes = [helper.make_node("Quant", ["x", "scale", "zero", "bits"], ["q"], domain=QUANT_DOMAIN, signed=1)]
    nodes = [*(nodes if quantized else []),
             helper.make_node(op_type, ["q" if quantized else "x", *inputs], ["y"], name="it", **attributes)]
    values = {"scale": np.float32(0.25), "zero": np.float32(0), "bits": np.float32(6)} if quantized else {}
    values |= {name: value for name, value in zip(inputs, constants, strict=True) if name}
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        initializer=[numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()])
    return helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", opset), helper.make_opsetid(QUANT_DOMAIN, 1)])


def expected(image, *given, **attributes):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file_of(*given, quantized=False, **attributes).SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    return session.run(None, {"x": image})[0]


def weights(*shape):
    return np.random.default_rng(1).integers(-8, 8, shape).astype(np.float32) / 8


def scales(*values):
    return np.array(values, dtype=np.float32)


def sizes(*values):
    return np.array(values, dtype=np.int64)


def convolutions():
    for mode in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        for kernel, stride in ((3, 1), (2, 1), (3, 2), (4, 3), (1, 2)):
            yield f"conv {mode} {kernel}/{stride}", ("Conv", weights(3, 2, kernel, kernel)), {
                "auto_pad": mode, "strides": [stride, stride]}
            # The runtime can't pad a pooling whose window is smaller than its strides.
            if kernel >= stride:
                yield f"max {mode} {kernel}/{stride}", ("MaxPool",), {
                    "auto_pad": mode, "kernel_shape": [kernel, kernel], "strides": [stride, stride]}
        for kernel, stride in ((2, 2), (3, 2), (4, 2), (5, 3), (3, 1)):
            yield f"up {mode} {kernel}/{stride}", ("ConvTranspose", weights(2, 3, kernel, kernel)), {
                "auto_pad": mode, "strides": [stride, stride]}


FORMS = {
    **{name: (given, attributes) for name, given, attributes in convolutions()},
    "conv of one tap, dilated": (("Conv", weights(3, 2, 1, 1)), {"dilations": [3, 2]}),
    "conv of one row, dilated": (("Conv", weights(3, 2, 1, 3)), {"dilations": [2, 1], "auto_pad": "VALID"}),
    "mean, VALID": (("AveragePool",), {"kernel_shape": [2, 2], "auto_pad": "VALID"}),
    "mean over padding": (("AveragePool",), {"kernel_shape": [2, 4], "auto_pad": "SAME_UPPER", "count_include_pad": 1}),
    "max rounded up to the same": (("MaxPool",), {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1}),
    "max of one row, dilated": (("MaxPool",), {"kernel_shape": [1, 2], "dilations": [3, 1]}),
    "up to a size": (("ConvTranspose", weights(2, 3, 3, 3)), {"strides": [2, 2], "output_shape": [10, 12]}),
    "up to a size, above": (("ConvTranspose", weights(2, 3, 4, 4)), {"strides": [3, 2], "output_shape": [15, 13],
                                                                     "auto_pad": "SAME_UPPER"}),
    "up to a larger size": (("ConvTranspose", weights(2, 3, 3, 3)), {"strides": [2, 2], "output_shape": [12, 14]}),
    "sizes": (("Resize", None, None, sizes(1, 2, 10, 18)), {"mode": "nearest", "nearest_mode": "floor",
                                                            "coordinate_transformation_mode": "asymmetric"}),
    "sizes, pixels by their middle": (("Resize", None, None, sizes(1, 2, 10, 12)), {"mode": "nearest"}),
    "sizes of two axes": (("Resize", None, None, sizes(18, 10)), {"mode": "nearest", "axes": [3, 2], "opset": 18}),
    "scales of two axes": (("Resize", None, scales(3, 2)), {"mode": "nearest", "axes": [-2, -1], "opset": 18}),
    "sizes around which it stays": (("Resize", None, None, sizes(10, 18)), {
        "mode": "nearest", "axes": [2, 3], "opset": 18, "keep_aspect_ratio_policy": "not_larger"}),
    "scales of opset 10": (("Resize", scales(1, 1, 3, 5)), {"mode": "nearest", "opset": 10}),
    "upsampling": (("Upsample", scales(1, 1, 3, 2)), {"mode": "nearest", "opset": 9}),
    "upsampling by an attribute": (("Upsample",), {"scales": [1.0, 1, 2, 3], "opset": 8}),
}
@pytest.mark.parametrize("name", FORMS)
def test_it_computes_what_onnx_runtime_does(name):
    given, attributes = FORMS[name]
    graph = ingest(checked(file_of(*given, **attributes), "the file"))
    image = np.random.default_rng(2).integers(-32, 32, SHAPE).astype(np.float32) / 4
    found = run_graph(graph.model, image.transpose(0, 2, 3, 1))[only(graph.model, "output")]
    assert np.array_equal(found.transpose(0, 3, 1, 2), expected(image, *given, **attributes))


REFUSED = {
    "a size that is no multiple": (("Resize", None, None, sizes(1, 2, 10, 13)), {"mode": "nearest"}, "no.* multiple"),
    "a smaller size": (("Resize", None, None, sizes(1, 2, 5, 3)), {"mode": "nearest"}, "no.* multiple"),
    # 5 rows become 10, 6 columns 13, and each pixel lies where 11/5 puts it.
    "a size that is no multiple, cubic": (("Resize", None, None, sizes(1, 2, 12, 13)), {"mode": "cubic"}, "cubic"),
    "a smaller size, linear": (("Resize", None, None, sizes(1, 2, 4, 6)), {"mode": "linear"}, "no.* multiple"),
    "scales that are cut": (("Resize", None, scales(1, 1, 2.25, 2)), {"mode": "linear"}, "no.* multiple"),
    "proportions of another multiple": (("Resize", None, None, sizes(11, 18)), {
        "mode": "nearest", "axes": [2, 3], "opset": 18, "keep_aspect_ratio_policy": "not_larger"}, "no.* multiple"),
    "padding said twice": (("Conv", weights(3, 2, 3, 3)), {"auto_pad": "SAME_UPPER", "pads": [2, 1, 0, 1]},
                           "automatic padding"),
    "a size and more": (("ConvTranspose", weights(2, 3, 3, 3)), {
        "strides": [2, 2], "output_shape": [11, 13], "output_padding": [1, 1]}, "automatic padding"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_plain_form_is_refused(name):
    given, attributes, message = REFUSED[name]
    with pytest.raises(IllegalGraphError, match=message):
        ingest(checked(file_of(*given, **attributes), "the file"))


def test_a_file_that_is_older_than_broadcasting():
    with pytest.raises(ConfigurationError, match="opset 6; export it with 7 or later"):
        ingest(checked(file_of("Relu", opset=6), "the file"))


@pytest.mark.parametrize(("given", "plain"), [("ROUND", "ROUND"), ("round", "ROUND"), ("HALF_EVEN", "ROUND"),
                                              ("half_even", "ROUND"), ("Floor", "FLOOR")])
def test_a_rounding_has_one_name(given, plain):
    net = Net()
    net.conv(net.quant("x", rounding=given), 2)
    assert attribute(ingest(net.model()).model.graph.node[0], "rounding_mode") == plain


def test_settings_of_older_opsets_become_inputs():
    """A pad, a slice and a clip by attributes, of which nothing is left where they change nothing."""
    for opset, op_type, attributes in ((10, "Pad", {"pads": [0] * 8}), (9, "Slice", {"starts": [0], "ends": [5]}),
                                       (9, "Clip", {}), (10, "Dropout", {"ratio": 0.5})):
        kept = as_meant(checked(file_of(op_type, opset=opset, **attributes), "the file"))
        assert [node.op_type for node in kept.graph.node] == ["Quant"]


def normalized(opset, outputs, **attributes):
    """A batch normalization behind the quantized image, with so many outputs."""
    proto = file_of("BatchNormalization", *[np.ones(2, np.float32)] * 4, opset=opset, **attributes)
    proto.graph.node[1].output.extend(f"more{place}" for place in range(1, outputs))
    return violations(as_meant(ModelWrapper(proto)))


@pytest.mark.parametrize(("opset", "outputs", "attributes", "message"), [
    (7, 1, {}, None), (8, 1, {"spatial": 1}, None), (13, 1, {}, None), (15, 1, {"training_mode": 0}, None),
    # Up to opset 13 it computes statistics where it has outputs for them, whoever reads them.
    (9, 5, {}, "statistics of the images.*eval mode"), (13, 3, {}, "statistics of the images"),
    (15, 3, {"training_mode": 1}, "statistics of the images"),
])
def test_a_batch_normalization_that_trains_is_told_from_one_that_does_not(opset, outputs, attributes, message):
    errors = list(normalized(opset, outputs, **attributes))
    assert [message] * bool(message) == [message for error in errors if re.search(str(message), str(error))]
    assert len(errors) == bool(message)


def test_a_batch_normalization_of_every_pixel():
    with pytest.raises(IllegalGraphError, match="every pixel by numbers of its own"):
        normalized(8, 1, spatial=0)


def test_an_optional_output_that_nobody_reads_goes():
    proto = file_of("MaxPool", kernel_shape=[2, 2])
    proto.graph.node[1].output.append("where")
    (pool,) = [node for node in as_meant(ModelWrapper(proto)).graph.node if node.op_type == "MaxPool"]
    assert list(pool.output) == ["y"]


#: Where pixel i of ``size`` lies among ``pixels``, as ONNX has it.
PLACES = {
    "half_pixel": lambda i, pixels, size: (i + Fraction(1, 2)) * pixels / size - Fraction(1, 2),
    "asymmetric": lambda i, pixels, size: Fraction(i * pixels, size),
    "align_corners": lambda i, pixels, size: Fraction(i * (pixels - 1), size - 1),
}


@pytest.mark.parametrize("mode", PLACES)
@pytest.mark.parametrize(("rows", "columns", "opset"), [(9, 13, 13), (5, 7, 13), (10, 9, 18)])
def test_linear_upsampling_to_any_size(rows, columns, opset, mode):
    net = Net(SHAPE)
    ends, more = (sizes(1, 2, rows, columns), {}) if opset < 18 else (
        sizes(columns, rows), {"axes": [3, 2], "antialias": 1})
    up = net.add("Resize", [net.quant("x", 6, -2, signed=1), "", "", net.constant("ends", ends, np.int64)],
                 (1, 2, rows, columns), mode="linear", coordinate_transformation_mode=mode, **more)
    proto = net.proto(net.quant(up, 8, -2, signed=1))
    next(entry for entry in proto.opset_import if not entry.domain).version = opset
    graph = ingest(checked(proto, "the file"))
    found = {attribute(node, "axis"): node for node in graph.model.graph.node if node.op_type == "Interpolation"}
    assert sorted(found) == [axis for axis, (size, pixels) in ((1, (rows, 5)), (2, (columns, 6))) if size != pixels]
    for axis, node in found.items():
        start, step, parts, size = (attribute(node, name) for name in ("start", "step", "parts", "size"))
        assert size == (rows, columns)[axis - 1]
        assert [Fraction(start + step * i, parts) for i in range(size)] == [
            PLACES[mode](i, SHAPE[axis + 1], size) for i in range(size)]
    # The file itself is computed as it is read.
    images = np.random.default_rng(3).integers(-32, 32, (2, *graph.input_shape)) / 4
    assert sum(check.differing for check in reference(graph, images).checks) == 0
