import pytest
import torch
from torch import nn

from quantunet_hls.core.errors import ConfigurationError, UnknownNameError
from quantunet_hls.nets import QuantUNet, UNetConfig
from quantunet_hls.nets.architectures import ARCHITECTURES, shape_of
from quantunet_hls.nets.sizes import layer_sizes


@pytest.mark.parametrize("shape", [
    {"depth": 2, "base_channels": 3}, {"depth": 1, "base_channels": 2, "in_channels": 3, "classes": 4},
    {"depth": 2, "base_channels": 3, "channels": (3, 4, 5), "up_convolution": False},
    {"depth": 2, "base_channels": 2, "channels": (2, 5, 3)},
    {"depth": 2, "base_channels": 2, "channels": (2, 5, 3), "upsampling": "transposed"},
])
def test_sizes_are_those_of_the_layers_that_run(shape):
    config = UNetConfig(quantized=False, **shape)
    net, seen = QuantUNet(config), []

    def look(layer, _inputs, output):
        values = output[0].numel()
        places = output.shape[2] * output.shape[3]
        seen.append((layer.weight.numel(), values, layer.weight.numel() * places // (
            4 if isinstance(layer, nn.ConvTranspose2d) else 1)))

    for part in net.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            part.register_forward_hook(look)
    net(torch.rand(1, config.in_channels, 8, 12))
    sizes = layer_sizes(config, 8, 12)
    assert list(sizes) == list(config.layer_names)
    assert [(size.weights, size.values, size.macs) for size in sizes.values()] == seen


def test_the_papers_net_has_its_parameters():
    # arXiv 1908.01073 gives 4.84 million, BatchNorm included: two for each of its filters.
    config = UNetConfig(**shape_of("fixedpoint_paper"))
    sizes = layer_sizes(config, 64, 64)
    filters = sum(size.outputs for name, size in sizes.items() if name != "head")
    assert round((sum(size.weights + size.outputs for size in sizes.values()) + 2 * filters) / 1e6, 2) == 4.84


def test_named_shapes_are_architectures():
    for name in ARCHITECTURES:
        assert UNetConfig.from_dict(UNetConfig(**shape_of(name)).to_dict()) == UNetConfig(**shape_of(name))
    assert len(UNetConfig(**shape_of("original")).layer_names) == 23
    with pytest.raises(UnknownNameError, match="small"):
        shape_of("smal")


@pytest.mark.parametrize(("upsampling", "up_convolution"), [
    ("nearest", False), ("bilinear", True), ("transposed", True)])
def test_every_kind_of_upsampling_trains(upsampling, up_convolution):
    torch.manual_seed(0)
    net = QuantUNet(depth=2, base_channels=2, channels=(2, 3, 4), upsampling=upsampling, up_convolution=up_convolution)
    output = net.train()(torch.rand(2, 1, 8, 12))
    assert output.shape == (2, 1, 8, 12)
    output.square().sum().backward()
    assert all(part.weight.grad is not None for part in net.modules()
               if isinstance(part, nn.Conv2d | nn.ConvTranspose2d))


@pytest.mark.parametrize("wrong", [{"channels": (8, 16)}, {"channels": (8, 16, 0, 4)}, {"channels": (4, 8, 8, 8)},
                                   {"upsampling": "cubic"}])
def test_impossible_shapes(wrong):
    with pytest.raises(ConfigurationError):
        UNetConfig(**wrong)
