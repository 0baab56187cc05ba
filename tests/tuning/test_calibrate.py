import numpy as np
import pytest
import torch
from torch import nn

from quantunet_hls.core.errors import DataError
from quantunet_hls.ingest import export_module, ingest, run_graph
from quantunet_hls.nets import calibrate as calibrate_module
from quantunet_hls.tuning.calibrate import best_fraction, calibrate, fit_layers
from quantunet_hls.tuning.rounding import fit
from tests.brevitas_nets import Classes, Mask, UpConvolutions
from tests.builders import Net, small_unet


@pytest.fixture(scope="module")
def graph():
    return ingest(small_unet(8, 12).model())


@pytest.fixture(scope="module")
def images(graph):
    return np.random.default_rng(0).uniform(-0.5, 2.5, (5, *graph.input_shape)).astype(np.float32).astype(np.float64)


def test_sums_and_moments_are_those_of_the_graph(graph, images):
    seen, tensors = calibrate(graph.model, torch.from_numpy(images)), run_graph(graph.model, images)
    convolutions = [node for node in graph.model.graph.node if node.op_type == "Conv"]
    assert set(seen.sums) == {node.name for node in convolutions}
    for node in convolutions:
        values = tensors[node.output[0]]
        # Few windows: all are kept, in order.
        assert np.allclose(seen.sums[node.name], values.reshape(-1, values.shape[3]), atol=1e-5)
        assert np.allclose(seen.moments[node.name].sums, values.mean((0, 1, 2)), atol=1e-5)
    last = convolutions[-1]  # a 1 x 1 kernel, whose windows are its inputs
    data = tensors[last.input[0]].reshape(-1, tensors[last.input[0]].shape[3])
    found = seen.moments[last.name]
    assert np.allclose(found.inputs[0], data.mean(0), atol=1e-6)
    assert np.allclose(found.gram[0], np.cov(data.T, bias=True), atol=1e-4)


def test_what_enters_each_quantizer_is_kept(graph, images):
    seen, tensors = calibrate(graph.model, torch.from_numpy(images)), run_graph(graph.model, images)
    for node in graph.model.graph.node:
        if node.op_type == "Quant":
            assert np.allclose(np.sort(seen.values[node.name]), np.sort(tensors[node.input[0]].reshape(-1)), atol=1e-5)


def test_moments_tell_the_weights_of_a_strided_padded_and_a_depthwise_layer():
    """Least squares on the moments finds the very weights, so windows and taps are in the right order."""
    net = Net((1, 2, 9, 8))
    first = net.conv(net.quant("x", 8, -7, signed=1), 4, 3, pads=[0, 1, 2, 1], strides=[2, 1])
    net.conv(net.quant(first, 8, -4, signed=1), 4, 3, group=4)
    graph = ingest(net.model())
    images = np.random.default_rng(1).uniform(-1, 1, (30, *graph.input_shape))
    seen = calibrate(graph.model, torch.from_numpy(images))
    for node in graph.model.graph.node:
        if node.op_type == "Conv":
            found, weights = seen.moments[node.name], graph.model.get_initializer(node.input[1])
            solved = np.linalg.solve(found.gram, found.cross)  # (groups, taps, outputs)
            expected = (weights.reshape(4, -1).T[None] if len(found.gram) == 1 else weights.reshape(4, -1, 1))
            assert np.allclose(solved, expected, atol=1e-3)


@pytest.mark.parametrize(("classes", "end"), [(1, nn.Sigmoid()), (3, Classes()), (1, Mask())])
def test_zeros_between_pixels_overlapping_windows_and_every_end_are_those_of_the_graph(classes, end):
    torch.manual_seed(4)
    net = UpConvolutions(classes, end)
    calibrate_module(net, torch.rand(2, 1, 8, 12))
    graph = ingest(export_module(net.eval(), (1, 8, 12)))
    images = np.random.default_rng(0).uniform(0, 1, (4, 8, 12, 1)).astype(np.float32).astype(np.float64)
    seen, tensors = calibrate(graph.model, torch.from_numpy(images)), run_graph(graph.model, images)
    convolutions = [node for node in graph.model.graph.node if node.op_type == "Conv"]
    assert {node.op_type for node in graph.model.graph.node} >= {"ZeroInsertion", "MaxPool", "AveragePool"}
    for node in convolutions:
        values = tensors[node.output[0]]
        assert np.allclose(seen.sums[node.name], values.reshape(-1, values.shape[3]), atol=1e-5)


def test_a_layer_behind_cut_activations_makes_up_for_them(graph, images):
    seen = calibrate(graph.model, torch.from_numpy(images))
    widths = dict.fromkeys(seen.sums, 8)
    fitted = fit_layers(seen, graph.model, torch.from_numpy(images), widths, fit)
    assert set(fitted) == set(widths)
    tensors = run_graph(graph.model, images)
    for node in graph.model.graph.node:
        if node.op_type == "Conv":
            weights = graph.model.get_initializer(node.input[1])
            assert fitted[node.name].weights.shape == weights.shape
            values = tensors[node.output[0]]
            assert np.abs(fitted[node.name].weights - weights).max() < 0.2 * np.abs(weights).max()
            assert values.std() > 0


def test_no_images_are_refused(graph):
    with pytest.raises(DataError, match="no images to calibrate"):
        calibrate(graph.model, torch.zeros(0, *graph.input_shape))


@pytest.mark.parametrize("signed", [False, True])
def test_the_best_step_is_the_best_of_all(signed):
    values = np.abs(np.random.default_rng(0).standard_cauchy(3000)) * (1 if not signed else -1)

    def error(fraction):
        low, high = (-8, 7) if signed else (0, 15)
        return np.mean((np.clip(np.rint(values * 2.0**fraction), low, high) / 2.0**fraction - values) ** 2)

    found = best_fraction(values[values < 50], 4, signed)
    values = values[values < 50]
    assert found == min(range(-20, 20), key=error)
