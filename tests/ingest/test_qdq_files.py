"""Files of other tools: the graph that is read computes the codes that onnxruntime computes."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnxruntime.quantization import QuantType

from quantunet_hls.ingest import as_meant, export_module, ingest, load_qonnx, run_graph
from quantunet_hls.ingest.source import ImageSize
from quantunet_hls.ops.qonnx.graph import only
from tests.builders import brevitas_unet
from tests.exact_onnx import exact_outputs
from tests.executors import Executors
from tests.qdq_files import (
    codes_of_file,
    ort_file,
    pt2e_net,
    qcdq_file,
    with_codes_as_outputs,
    with_power_of_two_scales,
)

#: What onnxruntime's static quantization is asked for.
SETTINGS = {
    "uint8": {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QUInt8},
    "int8_channels": {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8, "per_channel": True},
    "symmetric": {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8,
                  "extra_options": {"ActivationSymmetric": True}},
    "int16": {"activation_type": QuantType.QInt16, "weight_type": QuantType.QInt8},
    "int4_weights": {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt4},
    "dedicated_pairs": {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8,
                        "extra_options": {"DedicatedQDQPair": True, "QuantizeBias": False,
                                          "AddQDQPairToWeight": True}},
}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    made = {}

    def of(name):
        if name not in made:
            made[name] = ort_file(tmp_path_factory.mktemp(name), **SETTINGS[name])
        return made[name]

    return of


def images_of(model, count=3):
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim][1:]
    return np.random.default_rng(0).uniform(-0.5, 1.2, (count, *shape)).astype(np.float32)


def onnxruntimes(model, images):
    """Every output, as onnxruntime computes it node by node, in single precision."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    each = [session.run(None, {model.graph.input[0].name: image[None]}) for image in images]
    return [np.concatenate(values) for values in zip(*each, strict=True)]


def check_codes(path, outputs_of):
    """Every code of the file where the graph has its value; how many values were compared."""
    model, graph = onnx.load(path), as_meant(load_qonnx(path))
    images = images_of(model)
    tensors = run_graph(graph, images)
    constants = {entry.name: onnx.numpy_helper.to_array(entry) for entry in model.graph.initializer}
    values_of = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    _, *codes = outputs_of(with_codes_as_outputs(model), images)
    compared = 0
    for (name, scale, zero), expected in zip(codes_of_file(model), codes, strict=True):
        values = tensors.get(values_of[name])
        if values is not None:
            steps = values / constants[scale].astype(np.float64)
            # A whole number of float32's is one in doubles to the last digits.
            assert np.abs(steps - np.rint(steps)).max() < 1e-9
            found = np.rint(steps) + constants[zero].astype(np.int64)
            assert np.array_equal(found, expected.astype(np.int64)), name
            compared += values.size
    assert only(graph, "output") in tensors
    return compared


@pytest.mark.parametrize("name", SETTINGS)
def test_onnxruntimes_static_quantization(name, file):
    assert check_codes(file(name), exact_outputs) > 3 * 64 * 10
    if name != "int16":
        # With so many levels a sum in single precision lies on the other side of a tie now and then.
        assert check_codes(file(name), onnxruntimes) > 3 * 64 * 10


def test_pytorchs_export(tmp_path):
    path = tmp_path / "pt2e.onnx"
    path.write_bytes(pt2e_net().proto().SerializeToString())
    assert check_codes(path, exact_outputs) == check_codes(path, onnxruntimes) > 3 * 64 * 8


def test_a_brevitas_module_in_both_of_its_forms(tmp_path):
    """Weights of 4 bits behind a Clip, activations of fewer than 8 bits, int32 biases."""
    module = brevitas_unet(height=8, width=8)
    path = qcdq_file(module, tmp_path)
    graph, exported = as_meant(load_qonnx(path)), as_meant(export_module(module, ImageSize(1, 8, 8)))
    images = images_of(graph)
    tensors, others = run_graph(graph, images), run_graph(exported, images)
    assert np.array_equal(tensors[only(graph, "output")], others[only(exported, "output")])
    (expected,) = exact_outputs(onnx.load(path), images)
    assert np.array_equal(tensors[only(graph, "output")], expected)
    assert [node.op_type for node in graph.graph.node if node.op_type != "Quant"] == [
        node.op_type for node in exported.graph.node if node.op_type != "Quant"]


@pytest.fixture
def built(request, tmp_path, file):
    """Networks as designs: of other tools' files as they are, or with scales that are powers of two."""
    name, _, two = request.param.partition(" ")
    if name == "qcdq":
        path = qcdq_file(brevitas_unet(height=8, width=8), tmp_path)
    elif name == "pt2e":
        path = tmp_path / "pt2e.onnx"
        path.write_bytes(pt2e_net().proto().SerializeToString())
    else:
        path = file(name)
    return Executors(load_qonnx(with_power_of_two_scales(path) if two else path), tmp_path, low=-0.5, high=1.2)


BUILT = ("qcdq", "symmetric of 2", "uint8 of 2", "uint8", "int8_channels", "symmetric", "int4_weights", "pt2e")


@pytest.mark.parametrize("built", BUILT, indirect=True)
def test_they_are_built(built):
    built.check_file()
    assert built.check_exactly() > 3 * 64 * 10
    built.check_emulator()


@pytest.mark.slow
@pytest.mark.parametrize("built", ["qcdq", "uint8 of 2", "uint8", "int8_channels", "pt2e"], indirect=True)
def test_they_come_out_exact_in_cpp_and_rtl(built):
    built.check_csim()
    built.check_rtl()


def test_an_odd_zero_point_costs_no_layer(file):
    """What takes QONNX two quantizers is one in hardware, of the range of both."""
    graph = ingest(load_qonnx(file("uint8")))
    quantizers = [node for node in as_meant(load_qonnx(file("uint8"))).graph.node if node.op_type == "Quant"]
    assert any(node.name.endswith("_rounded0") for node in quantizers)
    assert not any("rounded0" in name for name in graph.names.values())
