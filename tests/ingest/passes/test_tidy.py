import numpy as np
import pytest
from onnx import TensorProto, helper

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.ingest import load_qonnx
from quantunet_hls.ingest.load import checked
from quantunet_hls.ingest.passes.tidy import tidy
from tests.builders import QUANT_DOMAIN, Net, execute, image_for, small_unet


def with_input(shape):
    proto = small_unet().proto("t16")
    proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, shape))
    return checked(proto, "the model")


@pytest.mark.parametrize("batch", ["N", 7, 0])
def test_the_batch_becomes_one(batch):
    model = tidy(with_input([batch, 2, 4, 6]))
    assert model.get_tensor_shape("x") == [1, 2, 4, 6]
    assert model.get_tensor_shape("t16") == [1, 2, 4, 6]


@pytest.mark.parametrize("shape", [[1, 2, "H", "W"], [1, 2, 0, 6], [1, 2, 24], [1] * 6, [], [2, -1, 4, 6]])
def test_an_image_without_a_fixed_size_is_refused(shape):
    with pytest.raises(ConfigurationError, match=r"input 'x' .*four fixed sizes .*export it for a fixed image size"):
        tidy(with_input(shape))


def test_volumes_are_refused():
    with pytest.raises(ConfigurationError, match=r"so it reads volumes.*two-dimensional layers"):
        tidy(with_input([1, 2, 2, 4, 6]))


def test_a_size_that_the_layers_do_not_fit_is_refused():
    with pytest.raises(ConfigurationError, match="export"):
        tidy(with_input([1, 2, 5, 6]))


def test_shapes_names_and_constants(tmp_path):
    net = Net()
    # Scales that the file computes, as PyTorch's exporter writes them.
    twos, ones = net.constant("twos", [2.0, 2.0]), net.constant("ones", [1.0, 1.0])
    scales = net.add("Concat", [ones, twos], (4,), axis=0, name="")
    image = net.quant("x", name="")
    net.add("Resize", [image, "", scales], (1, 2, 8, 12), name="", mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    path = tmp_path / "net.onnx"
    path.write_bytes(net.proto(net.nodes[-1].output[0]).SerializeToString())
    model = load_qonnx(path)
    before = model.model.SerializeToString()
    tidied = tidy(model)
    assert [node.op_type for node in tidied.graph.node] == ["Quant", "Resize"]
    assert all(node.name for node in tidied.graph.node)
    assert all(node.input[1] for node in tidied.graph.node)
    assert model.model.SerializeToString() == before
    assert np.array_equal(execute(tidied, image_for(tidied)), np.repeat(np.repeat(
        execute(net_quant_only(), image_for(tidied)), 2, 2), 2, 3))


def test_names_stay_and_nodes_without_one_are_counted():
    net = Net()
    value = net.quant("x", name="Relu_1")
    for name in ("", "/enc/relu", "", "Relu_2"):
        value = net.relu(value, name=name)
    assert [node.name for node in tidy(net.model()).graph.node] == ["Relu_1", "Relu_0", "/enc/relu", "Relu_3", "Relu_2"]


def net_quant_only():
    net = Net()
    net.quant("x")
    return net.model()


def test_an_absent_last_input_is_no_input():
    net = Net()
    image, weights = net.quant("x"), net.weights((2, 2, 1, 1))
    net.add("Conv", [image, weights, ""], (1, 2, 4, 6), kernel_shape=[1, 1])
    assert len(tidy(net.model()).graph.node[-1].input) == 2


def test_quantizers_on_constants_stay_for_the_legality_check():
    assert sum(node.op_type == "Quant" for node in tidy(small_unet().model()).graph.node) == 3 + 6


def test_a_constant_that_serves_a_quantizer_twice_becomes_two():
    # Exporters merge equal constants, such as a scale of 2 and a width of 2 bits.
    net = Net()
    two, zero = net.constant("two", 2.0), net.constant("zero", 0.0)
    first = net.add("Quant", ["x", two, zero, two], net.shapes["x"], domain=QUANT_DOMAIN, signed=0, narrow=0,
                    rounding_mode="ROUND")
    last = net.add("Quant", [first, two, zero, two], net.shapes["x"], domain=QUANT_DOMAIN, signed=0, narrow=0,
                   rounding_mode="ROUND")
    model = tidy(checked(net.proto(last), "the model"))
    inputs = [name for node in model.graph.node for name in node.input[1:]]
    assert len(set(inputs)) == len(inputs) == 6
    assert [float(model.get_initializer(name)) for name in inputs] == [2.0, 0.0, 2.0] * 2
