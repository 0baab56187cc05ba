"""The whole search on a small network and drawn images."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from quantunet_hls import boards, generate_accelerator
from quantunet_hls.core.errors import ConfigurationError, DataError, FloatNetworkError
from quantunet_hls.data.image_folders import Samples
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.emulate.accuracy import emulate_graph, score_hardware, segment
from quantunet_hls.ingest import export_module, ingest, load_qonnx
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.nets import QuantUNet, calibrate
from quantunet_hls.tuning.cost import bit_cost
from quantunet_hls.tuning.precision import chosen_types, read_precision, with_precision
from quantunet_hls.tuning.tune import ToleranceError, tune
from tests.brevitas_nets import Classes, UpConvolutions
from tests.builders import Net

BOARD = boards.load("zcu104")


def network(path):
    """Bright pixels are foreground: two layers whose weights say so, with bits to spare."""
    net = Net((1, 1, 16, 16))
    image = net.quant("x", 8, -8)
    blur = np.full((2, 1, 3, 3), 0.11, dtype=np.float32)
    first = net.quant(net.relu(net.conv(image, 2, values=blur, bias=[0, 0])), 8, -7)
    net.conv(first, 1, 1, values=np.full((1, 2, 1, 1), 0.6, dtype=np.float32), bias=[-0.6])
    net.model().save(str(path))
    return path


def images(shape):
    return draw_phantoms(24, 16, 16)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    lines = []
    result = tune(network(folder / "net.onnx"), images, BOARD, bit_cost, folder / "out", tolerance=1.0,
                  score=lambda shape: draw_phantoms(8, 16, 16, seed=9), progress=lines.append)
    return SimpleNamespace(folder=folder, result=result, lines=lines)


def test_the_result_costs_less_and_keeps_its_accuracy(tuned):
    summary = tuned.result.summary
    before = ingest(load_qonnx(tuned.folder / "net.onnx"))
    assert tuned.result.steps[summary["chosen_step"]].point.cost < tuned.result.steps[0].point.cost
    assert summary["bits"]["tuned"]["total"] < summary["bits"]["hls4ml"]["total"]
    # By the emulator again, from the file.
    given = images(None)
    graph = ingest(load_qonnx(tuned.result.path))
    old, new = (score_hardware(emulate_graph(net), given).dice for net in (before, graph))
    assert new >= old - 0.01
    assert summary["dice"]["choice"] == pytest.approx({"start": old, "tuned": new})
    other = draw_phantoms(8, 16, 16, seed=9)
    assert summary["dice"]["score"]["tuned"] == pytest.approx(score_hardware(emulate_graph(graph), other).dice)


def test_the_files_say_the_same(tuned):
    graph = ingest(load_qonnx(tuned.result.path))
    precision = read_precision(tuned.result.precision)
    again = ingest(with_precision(graph, precision))
    assert chosen_types(again, precision).layers == infer_types(graph.model).layers
    out = tuned.folder / "out"
    assert json.loads((out / "tuning.json").read_text()) == json.loads(json.dumps(tuned.result.summary))
    assert {path.name for path in out.glob("*.png")} == {"weights.png", "activations.png", "front.png"}


@pytest.mark.parametrize("model", ["net_tuned.onnx", "net.onnx"])
def test_the_types_go_through_the_flow_with_either_network(model, tuned, tmp_path):
    """The tuned network has fitted weights; the one before tuning gets its own rounded to the same types."""
    path = tuned.result.path if model == "net_tuned.onnx" else tuned.folder / model
    made = generate_accelerator(path, "zcu104", precision=tuned.result.precision, toolchain="open", last="rtl",
                                images=2, projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.differing == 0
    assert {"C-simulation", "RTL simulation"} <= {check.candidate for check in made.checks}
    types, found = infer_types(tuned.result.graph.model), read_precision(made.folder / "precision.json")
    for node in tuned.result.graph.model.graph.node:
        if node.op_type == "Quant":
            assert found.layers[node.name]["result"] == types.layers[node.name].result
        elif node.op_type == "Conv":
            # Rounded weights may need less than the type allows.
            assert found.layers[node.name]["weight"].width <= types.layers[node.name].weight.width


def test_what_was_measured_is_not_measured_again(tuned, monkeypatch):
    def never(*_):
        raise AssertionError("measured again")
    monkeypatch.setattr("quantunet_hls.tuning.measure.segment", never)
    again = tune(tuned.folder / "net.onnx", images, BOARD, bit_cost, tuned.folder / "out", tolerance=1.0,
                 score=lambda shape: draw_phantoms(8, 16, 16, seed=9))
    assert again.steps == tuned.result.steps
    assert again.graph.model.model.SerializeToString() == tuned.result.graph.model.model.SerializeToString()


def test_a_tolerance_that_cannot_be_met_says_what_was_reached_and_leaves_it(tmp_path):
    """The truth is what the network says with 8 bits, so 2 bits can but lose."""
    net = Net((1, 1, 16, 16), seed=3)
    first = net.quant(net.relu(net.conv(net.quant("x", 8, -8), 4, bias=[0] * 4)), 8, -8)
    net.conv(first, 1, 1, values=np.array([0.9, -0.8, 0.7, -0.81], np.float32).reshape(1, 4, 1, 1), bias=[0])
    net.model().save(str(tmp_path / "net.onnx"))
    drawn = images(None)
    masks = segment(emulate_graph(ingest(net.model())), drawn).numpy()
    given = Samples(drawn.images, masks, drawn.names)
    with pytest.raises(ToleranceError, match=r"at most 0 Dice points: .* reach \d+\.\d\d of 100\.00.*net_tuned.onnx"):
        tune(tmp_path / "net.onnx", lambda shape: given, BOARD, bit_cost, tmp_path / "out", tolerance=0, bits=2)
    assert ingest(load_qonnx(tmp_path / "out" / "net_tuned.onnx"))
    assert (tmp_path / "out" / "precision.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "end"), [(1, nn.Sigmoid()), (3, Classes())])
def test_a_network_with_transposed_convolutions_that_ends_in_a_sigmoid_or_in_classes(classes, end, tmp_path):
    """Its own masks are the truth, so every point lost is one of tuning's."""
    torch.manual_seed(4)
    net = UpConvolutions(classes, end)
    calibrate(net, torch.rand(2, 1, 8, 12))
    graph = ingest(export_module(net.eval(), (1, 8, 12)))
    drawn = draw_phantoms(16, 8, 12)
    masks = segment(emulate_graph(graph), drawn).numpy()
    assert set(np.unique(masks)) == set(range(max(2, classes)))
    given = Samples(drawn.images, masks, drawn.names)
    made = tune(net, lambda shape: given, BOARD, bit_cost, tmp_path, tolerance=10, input_shape=(1, 8, 12))
    assert made.summary["dice"]["choice"]["start"] == 1
    assert made.summary["bits"]["tuned"]["weights"] < made.summary["bits"]["proven"]["weights"]
    again = ingest(load_qonnx(made.path))
    assert again.output_shape == graph.output_shape
    reached = score_hardware(emulate_graph(again), given).dice
    assert 0.9 <= reached < 1
    assert made.summary["dice"]["choice"]["tuned"] == pytest.approx(reached)


def test_a_float_network_is_told_to_be_quantized(tmp_path):
    with pytest.raises(FloatNetworkError, match=r"QuantUNet is a float network.*quantunet-hls quantize"):
        tune(QuantUNet(depth=1, base_channels=2, quantized=False), images, BOARD, bit_cost, tmp_path / "out",
             input_shape=(1, 16, 16))
    assert not (tmp_path / "out").exists()


def test_bad_wishes_are_refused(tmp_path):
    path = network(tmp_path / "net.onnx")
    none = draw_phantoms(1, 16, 16)
    none = Samples(none.images[:0], none.masks[:0], ())
    with pytest.raises(DataError, match="no images to calibrate"):
        tune(path, lambda shape: none, BOARD, bit_cost, tmp_path / "out")
    with pytest.raises(ConfigurationError, match="tolerance of -1"):
        tune(path, images, BOARD, bit_cost, tmp_path / "out", tolerance=-1)
    with pytest.raises(ConfigurationError, match="2 to 10 bits"):
        tune(path, images, BOARD, bit_cost, tmp_path / "out", bits=1)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_else_stays_as_it_is(tmp_path):
    path = network(tmp_path / "net.onnx")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precision.json").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"out holds files that are not .*'precision\.json'"):
        tune(path, images, BOARD, bit_cost, tmp_path / "out")
    assert [file.read_text() for file in (tmp_path / "out").iterdir()] == ["mine"]
