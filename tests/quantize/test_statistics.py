import numpy as np
import pytest
import torch
from torch import nn

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.data.image_folders import to_input
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.ingest import as_meant, export_module
from quantunet_hls.ingest.source import open_network
from quantunet_hls.quantize.images import CalibrationImages
from quantunet_hls.quantize.network import open_float
from quantunet_hls.quantize.quantize import quantize
from quantunet_hls.quantize.run import FloatModule
from quantunet_hls.quantize.settings import Settings
from quantunet_hls.quantize.source import quantized_source
from quantunet_hls.quantize.statistics import freeze_statistics, statistics_of

SIZE = (1, 8, 8)


def network(seed: int = 0) -> nn.Module:
    """With both kinds; the scores of the group normalization differ by channel."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.InstanceNorm2d(4, affine=True), nn.ReLU(),
                        nn.Conv2d(4, 6, 3, padding=1), nn.GroupNorm(2, 6), nn.ReLU(), nn.Conv2d(6, 1, 1))
    nn.init.uniform_(net[4].weight, 0.5, 1.5)
    return net.eval()


def images(channels: int = 1):
    return draw_phantoms(8, 8, 8, channels=channels)


def test_of_one_image_frozen_statistics_are_its_own():
    model = as_meant(export_module(network(), SIZE))
    assert [place.name for place in statistics_of(model)] == ["/1/InstanceNormalization", "/4/InstanceNormalization"]
    one = to_input(images().images[:1])
    frozen = freeze_statistics(model, one)
    # A factor for each of a group's channels is no less than one for the whole group, so this is exact.
    assert np.allclose(FloatModule(frozen)(one).numpy(), FloatModule(model)(one).numpy(), atol=1e-4)
    kinds = [node.op_type for node in frozen.graph.node]
    assert kinds.count("BatchNormalization") == 2
    assert not {"InstanceNormalization", "Reshape"} & set(kinds)


def test_they_are_refused_with_a_remedy_that_works(tmp_path):
    export_module(network(), SIZE).save(str(tmp_path / "net.onnx"))
    source = open_network(tmp_path / "net.onnx")
    with pytest.raises(IllegalGraphError, match=r"/1/InstanceNormalization.*BatchNorm2d.*--freeze-statistics"):
        quantize(source, images, tmp_path / "out", Settings())
    made = quantize(source, images, tmp_path / "out", Settings(freeze_statistics=True))
    accuracy = made.report["accuracy"]
    # What freezing costs stands beside what quantizing costs.
    assert set(accuracy["frozen"]) == set(accuracy["hardware"])
    assert made.report["settings"]["freeze_statistics"]


def test_frozen_ones_are_the_nearest_that_there_are():
    """Batch normalization with the images' own means and variances is not nearer."""
    net = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.InstanceNorm2d(3)).eval()
    given = to_input(images().images)
    model = as_meant(export_module(net, SIZE))
    with torch.no_grad():
        sums, wanted = net[0](given), net(given)
    mean, variance = sums.mean((0, 2, 3), keepdim=True), sums.var((0, 2, 3), keepdim=True, correction=0)
    batch = (sums - mean) / torch.sqrt(variance + 1e-5)
    found = FloatModule(freeze_statistics(model, given))(given)
    assert ((found - wanted) ** 2).mean() < ((batch - wanted) ** 2).mean()


def test_a_design_is_compared_with_both_float_networks(tmp_path):
    """``generate`` scores what ``references`` names beside the hardware."""
    export_module(network(), SIZE).save(str(tmp_path / "net.onnx"))
    source = open_network(tmp_path / "net.onnx")
    given = CalibrationImages.of(images().images, 8, SIZE[1:])
    made = quantized_source(source, open_float(source, freeze=True), given, Settings(freeze_statistics=True))
    references = made.references()
    assert list(references) == ["float", "float, frozen"]
    float_, frozen = (one(given.values) for one in references.values())
    assert torch.allclose(float_, FloatModule(as_meant(source.graph()))(given.values))
    assert not torch.allclose(float_, frozen, atol=1e-3)
