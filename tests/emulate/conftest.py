import pytest
import torch

from quantunet_hls.hls.convert import HlsSettings, convert
from quantunet_hls.ingest import export_module, ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.nets import LayerWidths, QuantUNet, calibrate


@pytest.fixture(scope="session")
def unet():
    """A small quantized U-Net with random weights, scales set, and its hardware graph for 16x24 images."""
    torch.manual_seed(3)
    net = QuantUNet(depth=1, base_channels=4, classes=2, widths=LayerWidths(weight=3, activation=5))
    calibrate(net, torch.rand(4, 1, 16, 24))
    return net.eval(), ingest(export_module(net, (1, 16, 24)))


@pytest.fixture(scope="session")
def unet_model(unet, tmp_path_factory):
    """hls4ml's graph of it, which no step after this may change."""
    _, graph = unet
    settings = HlsSettings("unet", "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", {})
    return convert(graph.model, infer_types(graph.model), settings, tmp_path_factory.mktemp("unet") / "project")
