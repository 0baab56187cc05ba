"""Float networks all the way to C-simulations."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch

from quantunet_hls import generate_accelerator
from quantunet_hls.core.errors import (
    ConfigurationError,
    DataError,
    FloatNetworkError,
    IllegalGraphError,
    UnknownNameError,
)
from quantunet_hls.data.image_folders import Samples, to_input
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.emulate.accuracy import emulate_graph
from quantunet_hls.ingest import export_module, ingest, load_qonnx
from quantunet_hls.ingest.source import NetworkSource, open_network, open_source
from quantunet_hls.quantize.network import Normalization, open_float
from quantunet_hls.quantize.quantize import quantize
from quantunet_hls.quantize.score import compared
from quantunet_hls.quantize.settings import Settings
from quantunet_hls.tuning.grids import Scales
from quantunet_hls.tuning.measure import spread
from quantunet_hls.tuning.search import ToleranceError
from tests.quantize.nets import BatchNormUNet, Functions, Residual, Slopes, with_statistics

SIZE = (1, 16, 16)


def images(channels: int) -> Samples:
    return draw_phantoms(12, 16, 16, channels=channels)


def source(folder: Path, net: torch.nn.Module, shape: tuple[int, int, int] = SIZE) -> NetworkSource:
    """As anybody's ONNX file, which no module stands beside."""
    export_module(net, shape).save(str(folder / "float.onnx"))
    return open_network(folder / "float.onnx")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("float")
    torch.manual_seed(1)
    net = with_statistics(BatchNormUNet())
    with torch.no_grad():
        net.head.bias -= net(to_input(images(1).images)).median()
    lines: list[str] = []
    result = quantize(source(folder, net), images, folder / "out", Settings(), progress=lines.append)
    return SimpleNamespace(folder=folder, net=net, result=result, lines=lines)


def test_eight_bits_are_near_the_float_network(made):
    accuracy = made.result.report["accuracy"]
    assert accuracy["truth"] == "the float network's classes"
    assert accuracy["hardware"]["dice"] > 0.9
    assert accuracy["signal_to_noise_db"] > 25
    assert made.lines == ["Calibrating with 12 images", "Fitting the weights of 5 layers", "Scoring 12 images"]


def test_the_files_say_what_made_them(made):
    written = onnx.load(made.result.path)
    told = {entry.key: entry.value for entry in written.metadata_props}
    assert told["quantunet_hls.weight_bits"] == "8"
    assert told["quantunet_hls.float_sha256"] == open_network(made.folder / "float.onnx").sha256
    report = json.loads(made.result.report_path.read_text())
    assert report == made.result.report
    assert set(report["layers"]) == {"/down/down.0/Conv", "/low/low.1/Conv", "/up/up.0/ConvTranspose",
                                     "/join/join.2/Conv", "/head/Conv"}
    assert {one["bits"] for one in report["quantizers"].values()} == {8}


@pytest.mark.slow
@pytest.mark.parametrize(("net", "size"), [(BatchNormUNet(), 5), (Residual(), 5), (Functions(), 4), (Slopes(), 4)])
def test_networks_are_built_with_no_value_differing(net, size, tmp_path):
    torch.manual_seed(6)
    made = quantize(source(tmp_path, with_statistics(net)), images, tmp_path / "out",
                    Settings(weight_bits=size, activation_bits=size))
    assert made.report["accuracy"]["signal_to_noise_db"] > 10
    built = generate_accelerator(made.path, "zcu104", last="csim", images=2, projects=tmp_path / "projects",
                                 reports=tmp_path / "reports")
    assert built.differing == 0
    assert "C-simulation" in {check.candidate for check in built.checks}


def test_what_was_done_is_not_done_again(made, monkeypatch):
    def never(*_: object) -> None:
        raise AssertionError("done again")
    monkeypatch.setattr("quantunet_hls.quantize.quantize.calibrated", never)
    monkeypatch.setattr("quantunet_hls.quantize.quantize.compared", never)
    again = quantize(open_network(made.folder / "float.onnx"), images, made.folder / "out", Settings())
    assert again.report == made.result.report


def test_a_residual_network_of_several_classes_with_masks(tmp_path):
    torch.manual_seed(2)
    wanted = Settings(weight_bits=6, activation_bits=7, scales=Scales.POWER_OF_TWO)
    result = quantize(source(tmp_path, with_statistics(Residual())), lambda channels: draw_phantoms(8, 16, 16), tmp_path
                      / "out", wanted, labelled=True, name="residual",
                      score=lambda channels: draw_phantoms(4, 16, 16, classes=3, seed=3))
    accuracy = result.report["accuracy"]
    assert accuracy["images"] == 4
    assert set(accuracy) >= {"float", "hardware", "equal_pixels"}
    assert result.path.name == "residual.onnx"
    built = generate_accelerator(result.path, "zcu104", last="csim", images=1, projects=tmp_path / "projects",
                                 reports=tmp_path / "reports")
    assert built.differing == 0


def test_widths_go_down_until_the_tolerance_is_used_up(made, tmp_path):
    """Without masks the float network's own are the truth, so its Dice is 1."""
    lines: list[str] = []
    found = quantize(open_network(made.folder / "float.onnx"), images, tmp_path / "out", Settings(tolerance=12),
                     progress=lines.append)
    search = found.report["search"]
    assert search["within"]
    assert search["float_dice"] == 1
    assert 0.88 <= search["dice"] < 1
    assert 0 < search["step"] < len(search["steps"])
    assert found.report["mean_weight_bits"] < 6
    assert found.report["mean_weight_bits"] < made.result.report["mean_weight_bits"]
    # By the emulator again, from the file, on the images that it was chosen with.
    chosen = spread(images(1), 256, skip=1)
    again = compared(open_float(open_network(made.folder / "float.onnx")), ingest(load_qonnx(found.path)), chosen,
                     labelled=False)
    assert again["hardware"]["dice"] == pytest.approx(search["dice"])
    assert any(line.startswith("step ") for line in lines)


def test_a_tolerance_that_cannot_be_met_says_what_was_reached_and_leaves_it(made, tmp_path):
    with pytest.raises(ToleranceError, match=r"at most 0 Dice points: .* reach \d+\.\d\d of 100\.00.*out/net\.onnx"):
        quantize(open_network(made.folder / "float.onnx"), images, tmp_path / "out",
                 Settings(tolerance=0, weight_bits=2, activation_bits=2), name="net")
    assert ingest(load_qonnx(tmp_path / "out" / "net.onnx"))


@pytest.mark.slow
def test_functions_are_tables_of_two_more_bits(tmp_path):
    torch.manual_seed(4)
    result = quantize(source(tmp_path, Functions().eval()), images, tmp_path / "out", Settings())
    assert sorted(one["bits"] for one in result.report["quantizers"].values()) == [8, 8, 8, 8, 8, 10, 10, 10]
    assert result.report["accuracy"]["signal_to_noise_db"] > 25
    built = generate_accelerator(result.path, "zcu104", last="csim", images=1, projects=tmp_path / "projects",
                                 reports=tmp_path / "reports")
    assert built.differing == 0


def test_normalized_colour_images_enter_as_they_are(tmp_path):
    """The network reads (v / 255 - mean) / deviation, the hardware v / 256, zeros around the edge included."""
    torch.manual_seed(3)
    net = with_statistics(BatchNormUNet(channels=3))
    wanted = Normalization((0.4, 0.5, 0.3), (0.2, 0.25, 0.3))
    result = quantize(source(tmp_path, net, (3, 16, 16)), images, tmp_path / "out", Settings(normalization=wanted))
    pixels = images(3).images
    means, deviations = (torch.tensor(values)[:, None, None] for values in (wanted.means, wanted.deviations))
    with torch.no_grad():
        expected = net((torch.from_numpy(pixels).float() / 255 - means) / deviations).numpy()
    found = emulate_graph(result.graph).predict(pixels.transpose(0, 2, 3, 1) / 256).transpose(0, 3, 1, 2)
    assert np.mean(expected**2) / np.mean((found - expected) ** 2) > 10**2.5


def test_a_float_network_is_told_that_it_is_one(made):
    with pytest.raises(FloatNetworkError, match=r"float is a float network.*quantunet-hls quantize"):
        open_source(made.folder / "float.onnx")
    with pytest.raises(FloatNetworkError, match="float network"):
        open_source("brain_tumor_float_b8d3")
    with pytest.raises(ConfigurationError, match="has quantizers already"):
        quantize(open_network(made.result.path), images, made.folder / "other", Settings())
    assert not (made.folder / "other").exists()


def test_images_that_do_not_fit_are_refused(made, tmp_path):
    network = open_network(made.folder / "float.onnx")
    for given, says in ((draw_phantoms(2, 8, 8), "8x8 .* takes 16x16"),
                        (Samples(np.zeros((0, 1, 16, 16), np.uint8), np.zeros((0, 16, 16), np.uint8), ()),
                         "no images to calibrate")):
        with pytest.raises(DataError, match=says):
            quantize(network, lambda channels, given=given: given, tmp_path / "out", Settings())


def test_layers_that_cannot_be_built_are_refused(tmp_path):
    class Odd(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.erf(x)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), Odd()).eval()
    with pytest.raises(IllegalGraphError, match="Erf"):
        quantize(source(tmp_path, net), images, tmp_path / "out", Settings())


@pytest.mark.parametrize(("wish", "error"), [
    ({"weight_bits": 1}, ConfigurationError), ({"activation_bits": 11}, ConfigurationError),
    ({"images": 0}, ConfigurationError), ({"tolerance": -1}, ConfigurationError),
    ({"scales": "odd"}, UnknownNameError)])
def test_bad_wishes_are_refused(wish, error):
    with pytest.raises(error):
        Settings(**wish)


@pytest.mark.parametrize(("means", "deviations"), [((0.5,), (0.0,)), ((float("nan"),), (1.0,)), ((0.5,), (-1.0,))])
def test_a_normalization_that_is_none_is_refused(means, deviations):
    with pytest.raises(ConfigurationError, match="deviations above 0"):
        Normalization(means, deviations)
    with pytest.raises(ConfigurationError, match="2 means for images of 3 channels"):
        Normalization((1.0, 2.0), (1.0,)).affine(3)


def test_scales_have_names_that_settings_take():
    assert Settings(scales="power-of-two").scales is Scales.POWER_OF_TWO
