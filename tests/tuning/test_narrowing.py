"""Networks whose scales are any numbers, with fewer bits."""

import json

import numpy as np
import pytest
import torch

from quantunet_hls import boards, generate_accelerator
from quantunet_hls.data.image_folders import Samples
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.emulate.accuracy import emulate_graph, score_hardware, segment
from quantunet_hls.ingest import ingest, load_qonnx
from quantunet_hls.tuning.cost import bit_cost
from quantunet_hls.tuning.narrowing import given_network
from quantunet_hls.tuning.precision import read_precision
from quantunet_hls.tuning.tune import tune
from quantunet_hls.tuning.walk import walk
from quantunet_hls.tuning.widths import LEAST_BITS, Widths
from tests.builders import Net

BOARD = boards.load("zcu104")


def scaled(channel_scales: bool = False) -> Net:
    """Scales a filter, two that meet at a join, a zero point, a transposed convolution and a sum of two scales."""
    net = Net((1, 1, 16, 16), seed=2)
    image = net.quant("x", 8, scale=1 / 255)
    weights = net.constant("first_weights", net.random.normal(size=(3, 1, 3, 3)))
    own = net.quant(weights, 6, scale=np.array([0.31, 0.27, 0.4]).reshape(3, 1, 1, 1), signed=1)
    steps = np.array([0.07, 0.14, 0.07]).reshape(1, 3, 1, 1) if channel_scales else 0.07
    first = net.quant(net.relu(net.conv(image, 3, weights=own)), 6, scale=steps, name="first")
    low = net.quant(net.leaky(net.conv(net.pool(first), 4), 0.1), 6, scale=0.05, zero=4, name="low", signed=1)
    second = net.quant(net.conv(net.resize(low), 3, pads=[1] * 4, bias=None), 5, scale=0.11, signed=1, name="second")
    other = net.quant(net.conv(image, 3), 7, scale=0.07, signed=1, name="other")
    both = net.quant(net.add("Add", [second, other], net.shapes[other]), 6, scale=0.13, signed=1, name="sum")
    net.conv(net.concat(both, net.quant(first, 6, scale=0.13, signed=1, name="again")), 1, 1, bias=[-0.4])
    return net


def samples(graph, count=10, seed=0):
    """Its own masks are the truth, so every point lost is one of tuning's."""
    drawn = draw_phantoms(count, 16, 16, seed=seed)
    return Samples(drawn.images, segment(emulate_graph(graph), drawn).numpy(), drawn.names)


@pytest.fixture(scope="module", params=[False, True], ids=["a tensor", "a channel"])
def given(request):
    graph = ingest(scaled(request.param).model())
    images = torch.rand((4, 1, 16, 16), generator=torch.Generator().manual_seed(0))
    return graph, given_network(graph.original, images)


def test_it_starts_as_it_is(given):
    graph, network = given
    assert network.casts(network.natural) == {}
    assert all(network.fitted(layer, width) is None for layer, width in network.natural.weights.items())
    again = ingest(network.each_fitted(network.natural))
    assert again.model.model.graph == graph.model.model.graph
    # The image's quantizer stays, those that meet at the join change together.
    assert set(network.natural.activations) == {"first", "low", "second", "other", "sum"}
    assert [one.name for one in network.groups["sum"]] == ["sum", "again"]


@pytest.mark.parametrize("less", [1, 3])
def test_what_is_tried_is_what_is_written(less, given):
    """A quantizer's levels in single precision are those of the file, everything behind one convolution."""
    _, network = given
    widths = Widths({name: max(LEAST_BITS, width - less) for name, width in network.natural.activations.items()},
                    network.natural.weights)
    casts, written = network.casts(widths), network.each_fitted(widths)
    assert set(casts) == {"first", "low", "second", "other", "sum", "again"}
    tried, kept = {}, {}
    for found, model, own in ((tried, network.model, casts), (kept, given_network(written, network.images).model, {})):
        for visit in walk(model, network.images):
            name = str(visit.node.name)
            result = own[name](visit.inputs[0]) if name in own else visit.compute(visit.inputs)
            visit.keep(result)
            found[str(visit.node.output[0])] = result
    assert set(tried) == set(kept)
    assert all(torch.allclose(values, kept[name], atol=1e-5) for name, values in tried.items())


def test_weights_of_fewer_bits_keep_the_sums(given):
    _, network = given
    widths = Widths(network.natural.activations, dict.fromkeys(network.natural.weights, 4))
    for way in (network.each_fitted, network.fitted_in_turn):
        graph = ingest(way(widths))
        images = network.images.permute(0, 2, 3, 1).double().numpy()
        wanted, made = (emulate_graph(one).predict(images) for one in (given[0], graph))
        assert np.mean((made - wanted) ** 2) < 0.05 * np.var(wanted)


@pytest.mark.slow
def test_tuning_saves_bits_within_the_tolerance(tmp_path):
    net, lines = scaled().model(), []
    net.save(str(tmp_path / "scaled.onnx"))
    before = ingest(net)
    truth, other = samples(before), samples(before, seed=3)
    made = tune(tmp_path / "scaled.onnx", lambda shape: truth, BOARD, bit_cost, tmp_path / "out", tolerance=10,
                score=lambda shape: other, progress=lines.append)
    assert any("no powers of two: widths are chosen" in line for line in lines)
    summary, after = made.summary, ingest(load_qonnx(made.path))
    assert summary["dice"]["choice"]["start"] == 1
    assert summary["dice"]["choice"]["tuned"] == pytest.approx(score_hardware(emulate_graph(after), truth).dice)
    assert summary["dice"]["choice"]["tuned"] >= 0.9
    assert summary["dice"]["score"]["tuned"] == pytest.approx(score_hardware(emulate_graph(after), other).dice)
    assert summary["bits"]["tuned"]["total"] < summary["bits"]["proven"]["total"]
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {"weights.png", "activations.png", "front.png"}
    assert json.loads((tmp_path / "out" / "tuning.json").read_text()) == json.loads(json.dumps(summary))
    assert read_precision(made.precision).layers
    again = tune(tmp_path / "scaled.onnx", lambda shape: truth, BOARD, bit_cost, tmp_path / "out", tolerance=10)
    assert again.steps == made.steps


@pytest.mark.slow
def test_what_was_tuned_is_built(tmp_path):
    net = scaled(channel_scales=True).model()
    net.save(str(tmp_path / "scaled.onnx"))
    truth = samples(ingest(net))
    made = tune(tmp_path / "scaled.onnx", lambda shape: truth, BOARD, bit_cost, tmp_path / "out", tolerance=15, bits=5)
    built = generate_accelerator(made.path, "zcu104", toolchain="open", last="rtl", images=2,
                                 precision=made.precision, projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert built.differing == 0
    assert {"C-simulation", "RTL simulation"} <= {check.candidate for check in built.checks}
