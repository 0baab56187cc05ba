"""Float networks, quantized on the way to hardware."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from quantunet_hls import generate_accelerator
from quantunet_hls.cli.generate import generate
from quantunet_hls.cli.quantize import quantize as quantize_command
from quantunet_hls.core.errors import ConfigurationError, DataError, IllegalGraphError
from quantunet_hls.data.image_folders import names_in, read_pairs
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.flow.resolve import resolve
from quantunet_hls.flow.spec import DesignSpec
from quantunet_hls.ingest import export_module, ingest, load_qonnx
from quantunet_hls.ingest.source import open_network
from quantunet_hls.quantize.images import calibration_images
from quantunet_hls.quantize.network import Normalization
from quantunet_hls.quantize.quantize import quantize
from quantunet_hls.quantize.settings import Settings
from quantunet_hls.reports.names import DICE
from quantunet_hls.sweep.grid import grid_of
from tests.builders import small_unet
from tests.quantize.nets import BatchNormUNet, with_statistics


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    drawn = draw_phantoms(6, 8, 8)
    for kind, pixels in (("images", drawn.images[:, 0]), ("masks", drawn.masks * 255)):
        (folder / kind).mkdir()
        for name, one in zip(drawn.names, pixels, strict=True):
            Image.fromarray(one).save(folder / kind / f"{name}.png")
    rows = [f"{name}.png,{1 + index % 2}" for index, name in enumerate(drawn.names)]
    (folder / "index.csv").write_text("\n".join(["file,fold", *rows]))
    return folder


def test_a_module_and_images_are_all_it_takes(data, tmp_path):
    torch.manual_seed(5)
    net, lines = with_statistics(BatchNormUNet()), []
    made = generate_accelerator(net, "zcu104", input_shape=(1, 8, 8), data=data, images=2, bits=6, folds=[2],
                                last="accuracy", toolchain="none", projects=tmp_path / "projects",
                                reports=tmp_path / "reports", progress=lines.append)
    assert made.differing == 0
    assert "C-simulation" in {check.candidate for check in made.checks}
    # Those of the fold that is scored on had no part in it.
    assert "Calibrating with 3 images" in lines
    assert made.report.asked["bits"] == 6
    assert [figure.tool for figure in made.report.figures if figure.name == DICE] == ["float", "hardware (emulated)"]


def run_of(folder, data, **options):
    return resolve(DesignSpec(folder / "net.onnx", "zcu104", data=data, toolchain="none", **options))


def test_what_it_was_quantized_with_decides_whether_it_is_exported_again(data, tmp_path):
    export_module(with_statistics(BatchNormUNet()), (1, 8, 8)).save(str(tmp_path / "net.onnx"))
    keys = [run_of(tmp_path, data, **options).source.key for options in ({}, {}, {"bits": 6}, {"folds": [1]})]
    assert keys[0] == keys[1]
    assert keys[0] not in (*keys[2:],)
    assert keys[2] != keys[3]


def test_numbers_enter_as_they_are_by_a_port_that_holds_them(tmp_path):
    given = np.random.default_rng(0).uniform(-3, 3, (5, 1, 8, 8)).astype(np.float32)
    images = calibration_images(given, 4, (1, 8, 8))
    assert np.array_equal(images.values.numpy(), given[:4])
    assert images.port.signed
    assert images.port.width == 8
    assert images.port.step == 2.0**-5


def test_a_float_network_without_images_is_told_what_it_needs(data, tmp_path):
    export_module(nn.Sequential(nn.Conv2d(2, 1, 1)).eval(), (2, 8, 8)).save(str(tmp_path / "net.onnx"))
    with pytest.raises(ConfigurationError, match=r"net is a float network.*--data"):
        run_of(tmp_path, None)
    with pytest.raises(ConfigurationError, match="1 or 3 channels, not 2"):
        run_of(tmp_path, data)
    with pytest.raises(DataError, match="no images"):
        run_of(tmp_path, tmp_path)
    with pytest.raises(ConfigurationError, match="2 to 10 bits, not 11"):
        run_of(tmp_path, data, bits=11)


class Statistics(nn.Module):
    """A network that normalizes each image by its own statistics."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.InstanceNorm2d(2), nn.ReLU(), nn.Conv2d(2, 1, 1))

    def forward(self, x):
        return self.layers(x)


def graph_of(folder, data, **options):
    return run_of(folder, data, **options).source.graph()


def test_what_images_were_normalized_with_becomes_part_of_the_network(data, tmp_path):
    """As ``quantize`` makes it: value for value the same network."""
    torch.manual_seed(5)
    export_module(with_statistics(BatchNormUNet()), (1, 8, 8)).save(str(tmp_path / "net.onnx"))
    asked = {"means": (0.4,), "deviations": (0.2,)}
    result = quantize(open_network(tmp_path / "net.onnx"), lambda channels: read_pairs(
        data, names_in(data, None), channels=channels), tmp_path / "out",
        Settings(normalization=Normalization(**asked)), labelled=True)
    made = graph_of(tmp_path, data, **asked)
    assert [node.SerializeToString() for node in made.graph.node] == [
        node.SerializeToString() for node in load_qonnx(result.path).graph.node]
    for name in {name for node in made.graph.node for name in node.input}:
        assert np.array_equal(made.get_initializer(name), load_qonnx(result.path).get_initializer(name)), name
    keys = {str(run_of(tmp_path, data, **options).source.key) for options in (
        {}, asked, {**asked, "means": (0.5,)})}
    assert len(keys) == 3


def test_statistics_of_each_image_are_frozen_where_that_is_asked_for(data, tmp_path):
    torch.manual_seed(5)
    export_module(Statistics().eval(), (1, 8, 8)).save(str(tmp_path / "net.onnx"))
    with pytest.raises(IllegalGraphError, match="--freeze-statistics"):
        run_of(tmp_path, data)
    graph = ingest(graph_of(tmp_path, data, freeze_statistics=True))
    assert {node.op_type for node in graph.model.graph.node} <= {"Quant", "Conv", "Requantize"}


@pytest.mark.parametrize("options", [{"means": (0.5,), "deviations": (0.5,)}, {"freeze_statistics": True}])
def test_a_quantized_network_takes_images_as_it_was_trained_with(options, data, tmp_path):
    small_unet().model().save(str(tmp_path / "net.onnx"))
    with pytest.raises(ConfigurationError, match=r"has quantizers already.*leave --mean, --std and --freeze"):
        run_of(tmp_path, data, **options)


def test_a_mean_without_a_deviation_is_refused(data, tmp_path):
    export_module(with_statistics(BatchNormUNet()), (1, 8, 8)).save(str(tmp_path / "net.onnx"))
    with pytest.raises(ConfigurationError, match="--mean and --std; give both"):
        run_of(tmp_path, data, means=(0.5,))


def test_quantize_and_generate_have_the_same_options_of_a_float_network():
    shared = {"bits", "means", "deviations", "freeze_statistics", "input_shape", "result"}
    of = [{parameter.name: parameter.to_info_dict() for parameter in command.params if parameter.name in shared}
          for command in (quantize_command, generate)]
    assert of[0] == of[1]
    assert set(of[0]) == shared


def test_a_sweep_is_told_them_too():
    grid = grid_of({"models": ["net.onnx"], "boards": ["zcu104"], "means": [0, -0.5], "deviations": [1, 2],
                    "freeze_statistics": True})
    assert grid.shared["means"] == [0, -0.5]
    assert grid.shared["freeze_statistics"] is True


def test_a_softmax_of_which_the_mask_is_asked_for_is_left_out(data, tmp_path):
    torch.manual_seed(5)
    net = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.Softmax(1)).eval()
    export_module(net, (1, 8, 8)).save(str(tmp_path / "net.onnx"))
    with pytest.raises(IllegalGraphError, match="--output mask"):
        graph_of(tmp_path, data)
    graph = ingest(graph_of(tmp_path, data, output="mask"), "mask")
    assert graph.output_shape == (8, 8, 1)
