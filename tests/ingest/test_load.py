"""Files that come from anybody: one sentence of the package's own, or a right graph."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError, QuantUNetError
from quantunet_hls.ingest import ingest, load_qonnx
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ops.qonnx.graph import set_attribute
from tests.builders import Net, execute, image_for, small_unet


def saved(folder: Path, change=lambda proto: None) -> Path:
    proto = small_unet().proto("t16")
    change(proto)
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def first(proto, op_type):
    return next(node for node in proto.graph.node if node.op_type == op_type)


def test_a_good_file_computes_what_was_saved(tmp_path):
    model = tidy(load_qonnx(saved(tmp_path)))
    image = image_for(model)
    assert np.array_equal(execute(model, image), execute(tidy(small_unet().model("t16")), image))


def test_a_path_with_spaces_and_shell_characters(tmp_path):
    folder = tmp_path / "a b; $(exit) 'ü\""
    folder.mkdir()
    assert len(load_qonnx(saved(folder)).graph.node) == 17


def test_weights_among_the_inputs_as_old_exporters_list_them(tmp_path):
    def change(proto):
        for tensor in proto.graph.initializer:
            proto.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))

    assert [tensor.name for tensor in load_qonnx(saved(tmp_path, change)).graph.input] == ["x"]


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no ONNX file .*gone\.onnx; check the path"):
        load_qonnx(tmp_path / "gone.onnx")
    with pytest.raises(ConfigurationError, match="can't be read as an ONNX model"):
        load_qonnx(tmp_path)


@given(st.integers(0, 2500), st.binary(max_size=40))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_truncated_and_overwritten_files_never_raise_anything_else(tmp_path, place, garbage):
    data = saved(tmp_path).read_bytes()
    for damaged in (data[:place], data[:place] + garbage + data[place + len(garbage):], garbage):
        path = tmp_path / "damaged.onnx"
        path.write_bytes(damaged)
        try:
            ingest(load_qonnx(path))
        except QuantUNetError as error:
            assert "\n" not in str(error)  # noqa: PT017  (any error of ours will do; most files fail, some don't)


def delete_weights(proto):
    index = next(i for i, tensor in enumerate(proto.graph.initializer) if tensor.name.startswith("w"))
    del proto.graph.initializer[index]


def second_input(proto):
    proto.graph.input.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 4, 6]))


def retyped(kind):
    def change(proto):
        proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", kind, [1, 2, 4, 6]))
    return change


def cyclic(proto):
    relu = first(proto, "Relu")
    relu.input[0] = relu.output[0]


def unknown_type(proto):
    proto.graph.initializer[0].data_type = 99


def outside_data(location):
    def change(proto):
        tensor = proto.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
    return change


def short_data(proto):
    tensor = next(tensor for tensor in proto.graph.initializer if tensor.name.startswith("w"))
    tensor.raw_data = tensor.raw_data[:-3]


MALFORMED = {
    "no nodes": (lambda proto: proto.graph.ClearField("node"), "holds no nodes"),
    "two inputs": (second_input, "has 2 inputs and 1 outputs"),
    "two outputs": (lambda proto: proto.graph.output.add().CopyFrom(
        helper.make_tensor_value_info("t2", TensorProto.FLOAT, [1, 3, 4, 6])), "has 2 outputs"),
    "no output": (lambda proto: proto.graph.ClearField("output"), "has 1 inputs and 0 outputs"),
    "an output nobody writes": (lambda proto: setattr(proto.graph.output[0], "name", "nowhere"), "nowhere"),
    "an input for an output": (lambda proto: setattr(proto.graph.output[0], "name", "x"), "No node writes"),
    "an input that is a constant": (lambda proto: proto.graph.initializer.append(
        numpy_helper.from_array(np.ones((1, 2, 4, 6), np.float32), "x")), "has 0 inputs"),
    "a cycle": (cyclic, "well-formed"),
    "missing weights": (delete_weights, "well-formed"),
    "integers": (retyped(TensorProto.INT64), "no float32 image"),
    "doubles": (retyped(TensorProto.DOUBLE), "no float32 image"),
    "no opset": (lambda proto: proto.ClearField("opset_import"), "no ONNX opset"),
    "an opset of the future": (lambda proto: setattr(proto.opset_import[0], "version", 99), "opset 99"),
    "a format of the future": (lambda proto: setattr(proto, "ir_version", 99), "well-formed"),
    "a foreign domain": (lambda proto: setattr(first(proto, "Conv"), "domain", "com.evil"), "com.evil"),
    "a name written twice": (lambda proto:
                             first(proto, "Relu").output.__setitem__(0, "t3"), "well-formed"),
    "no kernel": (lambda proto: first(proto, "MaxPool").ClearField("attribute"), "kernel_shape"),
    "a text for a kernel": (lambda proto: set_attribute(first(proto, "MaxPool"), "kernel_shape", "2"), "kernel_shape"),
    "no axis": (lambda proto: first(proto, "Concat").ClearField("attribute"), "axis"),
    "no weights": (lambda proto: first(proto, "Conv").input.__delitem__(slice(1, None)), "Conv"),
    "an unknown type": (unknown_type, "can't be read|well-formed|unknown type"),
    "data outside, above": (outside_data("../../../etc/hostname"), "can't be read"),
    "data outside, gone": (outside_data("gone.bin"), "can't be read"),
    "data cut short": (short_data, "malformed|well-formed"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused_in_one_sentence(name, tmp_path):
    change, message = MALFORMED[name]
    with pytest.raises(ConfigurationError, match=message) as caught:
        ingest(load_qonnx(saved(tmp_path, change)))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("entry", [
    {}, {"type": AttributeProto.INT, "ref_attr_name": "x"},
    {"type": AttributeProto.TENSOR, "t": numpy_helper.from_array(np.ones(2, np.float32), "t")},
], ids=["no type", "a function's", "a tensor"])
def test_attributes_that_no_operator_has(entry, tmp_path):
    def change(proto):
        first(proto, "Quant").attribute.add(name="strides", **entry)

    with pytest.raises(IllegalGraphError, match="its strides is of the wrong kind; export the network again"):
        load_qonnx(saved(tmp_path, change))


@pytest.mark.parametrize(("op_type", "attribute"), [("Conv", "strides"), ("Conv", "dilations"), ("MaxPool", "strides"),
                                                    ("MaxPool", "kernel_shape")])
@pytest.mark.parametrize("numbers", [[0, 0], [1, -1]])
def test_what_would_end_the_process_inside_shape_inference_is_refused_before(op_type, attribute, numbers, tmp_path):
    def change(proto):
        first(proto, op_type).name = "it"
        set_attribute(first(proto, op_type), attribute, numbers)

    with pytest.raises(IllegalGraphError, match=rf"^Node 'it': its {attribute} \[.*\] are not 1 or more; export"):
        load_qonnx(saved(tmp_path, change))


def test_quantizers_of_older_domains_need_no_opset_import(tmp_path):
    def change(proto):
        del proto.opset_import[1:]
        for node in proto.graph.node:
            if node.op_type == "Quant":
                node.domain = "onnx.brevitas"

    model = load_qonnx(saved(tmp_path, change))
    assert ingest(model).input_shape == (4, 6, 2)


def test_a_file_that_the_system_does_not_let_us_read(tmp_path):
    # A folder in its place: unlike a missing permission, that stops root as well.
    path = tmp_path / "net.onnx"
    path.mkdir()
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_qonnx(path)


def test_an_empty_file(tmp_path):
    path = tmp_path / "empty.onnx"
    path.touch()
    with pytest.raises(ConfigurationError, match="holds no nodes"):
        load_qonnx(path)


def test_what_the_output_does_not_depend_on_goes():
    net = Net()
    middle = net.conv(net.quant("x"), 2)
    net.relu(net.add("Erf", [middle], (1, 2, 4, 6)))
    assert [node.op_type for node in ingest(net.model(middle)).model.graph.node] == ["Quant", "Conv"]
