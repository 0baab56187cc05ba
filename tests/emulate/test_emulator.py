import numpy as np
import pytest
import torch

from quantunet_hls.core.errors import ConfigurationError, DataError, IllegalGraphError
from quantunet_hls.emulate import Emulator, predict, read_network, trace
from quantunet_hls.emulate.fuse import fuse
from quantunet_hls.hls.convert import traced_tensors
from quantunet_hls.ingest import run_graph
from quantunet_hls.ingest.model_graph import read_cpp
from quantunet_hls.ops.padding.layer import Padding
from quantunet_hls.ops.pointwise.layer import Pointwise
from tests.emulate.networks import Network, csimulate


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 16, 24, 1)) / 256


@pytest.fixture(scope="module")
def program(unet_model):
    return read_network(unet_model)


def test_a_unet_equals_its_graph_layer_by_layer(unet, unet_model, program, images):
    _, graph = unet
    expected = run_graph(graph.model, images)
    traced = trace(program, images)
    tensors = traced_tensors(graph.model, read_cpp(unet_model))
    assert len(tensors) > 10
    for layer, tensor in tensors.items():
        assert np.array_equal(traced[layer], expected[tensor]), layer
    assert np.array_equal(predict(program, images), expected[graph.model.graph.output[0].name])


def test_a_unet_equals_the_trained_network(unet, program, images):
    net, _ = unet
    with torch.no_grad():
        logits = net(torch.from_numpy(images).permute(0, 3, 1, 2).float())
    logits = getattr(logits, "value", logits)
    assert np.array_equal(predict(program, images), logits.permute(0, 2, 3, 1).numpy())


def test_the_output_does_not_depend_on_the_batch(program, images, monkeypatch):
    emulator = Emulator(program)
    whole = emulator.predict(images)
    assert np.array_equal(np.concatenate([emulator.predict(image[None]) for image in images]), whole)
    monkeypatch.setattr("quantunet_hls.emulate.emulator._CACHED_VALUES", 1)
    assert np.array_equal(emulator.predict(images), whole)
    assert np.array_equal(emulator.trace(images)[program.output], whole)
    assert emulator.predict(images[:0]).shape == (0, *whole.shape[1:])


def test_threads_are_left_as_they_were(program, images):
    before = torch.get_num_threads()
    Emulator(program).predict(images)
    assert torch.get_num_threads() == before
    assert not torch.is_inference_mode_enabled()


def test_fusing_leaves_fewer_layers_and_no_padding(program):
    fused = fuse(program)
    assert len(fused.layers) < len(program.layers) / 2 + 4
    assert not any(isinstance(layer, Padding) for layer in fused.layers)
    assert sum(isinstance(layer, Pointwise) for layer in fused.layers) <= 3


def test_what_cannot_be_emulated_is_named(tmp_path):
    network = Network(np.random.default_rng(0), 4, 4, 1)
    network.activate("relu6", "fixed<8,4>")
    with pytest.raises(IllegalGraphError, match=r"'activation1': there is no emulation .* for the activation 'relu6'"):
        Emulator(network.build(tmp_path))
    network = Network(np.random.default_rng(0), 4, 4, 1)
    network.activate("relu", "fixed<8,4,RND,WRAP,1>")
    with pytest.raises(IllegalGraphError, match=r"'activation1': the type .* has saturation bits"):
        Emulator(network.build(tmp_path))


@pytest.mark.parametrize(("value", "message"), [
    (np.zeros((1, 16, 24, 2)), "takes images of the shape"),
    (np.zeros((16, 24, 1)), "takes images of the shape"),
    (np.full((1, 16, 24, 1), np.nan), "not finite"),
    (np.full((1, 16, 24, 1), np.inf), "not finite"),
])
def test_images_that_do_not_fit_are_refused(program, value, message):
    with pytest.raises(DataError, match=message):
        predict(program, value)


def test_a_missing_device_is_refused(program):
    with pytest.raises(ConfigurationError, match="There is no device"):
        Emulator(program, "nonsense")


@pytest.mark.parametrize("device", ["cpu", *["cuda"] * torch.cuda.is_available()])
def test_every_device_gives_the_same_integers(program, images, device):
    assert np.array_equal(predict(program, images, device), predict(program, images))


def test_order_of_additions_and_rounded_constants(tmp_path):
    """Saturating accumulators behind every strategy and reuse factor, weights between their type's steps,
    integer types, and ternary weights of hls4ml's own making, in one C-simulation."""
    network = Network(np.random.default_rng(5), 6, 7, 3, name="order")
    network.convolve(4, reuse=3, accumulator="fixed<7,3,RND_ZERO,SAT>", weight="fixed<4,2,TRN,WRAP>")
    network.convolve(4, depthwise=True, reuse=2, accumulator="fixed<8,4,TRN,SAT_SYM>", weight="fixed<3,2,RND,SAT>")
    network.activate("linear", "int<6>")
    network.convolve(3, (1, 1), (2, 2), (0, 0, 0, 0), strategy="Latency", weight="int<2>",
                     accumulator="fixed<6,5,TRN,SAT_ZERO>")
    network.pool("Average", (1, 2))
    random = network.random
    images = np.round(random.uniform(-8, 8, (6, *network.input_shape)) * 32) / 32
    model = network.build(tmp_path / "order")
    traced = Emulator(model).trace(images)
    simulated = csimulate(model, network.name, images)
    assert len(simulated.layers) == 5
    for name, values in simulated.layers.items():
        assert np.array_equal(traced[name].reshape(values.shape), values), name
        assert len(np.unique(values)) > 1, name
