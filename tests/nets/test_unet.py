import numpy as np
import pytest
import torch
from torch import nn

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, fold_batchnorm
from quantunet_hls.nets.quantizers import activation_quantizer, bias_quantizer, input_quantizer, weight_quantizer
from tests.builders import brevitas_unet


def test_depth_four_has_the_papers_23_layers():
    names = UNetConfig(depth=4).layer_names
    assert len(names) == len(set(names)) == 23
    assert sum(name.startswith("up") for name in names) == 4
    assert names[-1] == "head"


@pytest.mark.parametrize(("channels", "classes", "height", "width"), [(1, 1, 4, 4), (3, 4, 8, 12), (2, 1, 12, 4)])
@pytest.mark.parametrize("quantized", [False, True])
def test_output_has_the_images_size_and_one_plane_a_class(channels, classes, height, width, quantized):
    net = QuantUNet(depth=2, base_channels=2, in_channels=channels, classes=classes, quantized=quantized)
    assert net(torch.rand(2, channels, height, width)).shape == (2, classes, height, width)


@pytest.mark.parametrize(("height", "width"), [(6, 8), (8, 6), (7, 7)])
def test_sizes_that_the_depth_does_not_divide(height, width):
    with pytest.raises(ConfigurationError, match=f"multiples of 4, not {height}x{width}; crop or pad"):
        QuantUNet(depth=2, base_channels=2)(torch.zeros(1, 1, height, width))


def layers_with(net, kind):
    return [(name, part) for name, part in net.named_modules() if hasattr(part, kind)]


def test_every_scale_is_a_power_of_two_and_every_width_is_as_asked():
    widths = {"enc0a": LayerWidths(3, 5, 8), "head": LayerWidths(8, 2, 10)}
    net = brevitas_unet(layer_widths=widths)
    weighted = layers_with(net, "weight_quant")
    assert len(weighted) == len(net.config.layer_names)
    for name, part in weighted:
        layer = name.split(".")[0]
        assert int(part.weight_quant.bit_width()) == net.config.widths_of(layer).weight
        assert np.frexp(part.weight_quant.scale().detach().numpy())[0] == 0.5
    for name, part in layers_with(net, "act_quant"):
        assert np.frexp(part.act_quant.scale().detach().numpy())[0] == 0.5
        if name == "inp":
            assert int(part.act_quant.bit_width()) == 8
        elif not name.startswith("up"):
            assert int(part.act_quant.bit_width()) == net.config.widths_of(name.split(".")[0]).activation


def test_both_branches_of_a_skip_share_one_quantizer():
    net = QuantUNet(depth=2, base_channels=2)
    for level in range(2):
        assert net.get_submodule(f"up{level}").relu is net.get_submodule(f"enc{level}b").relu


def test_the_port_takes_a_grey_value_for_v_256ths():
    net = brevitas_unet()
    grey = torch.arange(256) / 256
    assert torch.equal(net.inp(grey.reshape(1, 1, 16, 16)).value.reshape(-1), grey)


def test_calibration_freezes_the_scales_and_restores_the_mode():
    net = brevitas_unet().eval()
    before = {name: part.act_quant.scale().item() for name, part in layers_with(net, "act_quant")}
    assert not net.training
    net.train()
    net(100 * torch.ones(2, 1, 8, 12))
    assert {name: part.act_quant.scale().item() for name, part in layers_with(net, "act_quant")} == before


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
def test_folding_batchnorm_keeps_a_float_nets_function(upsampling):
    torch.manual_seed(0)
    net = QuantUNet(depth=1, base_channels=2, quantized=False, batch_norm=True, upsampling=upsampling)
    for _ in range(3):
        net(torch.rand(4, 1, 8, 12))
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 2)
            nn.init.uniform_(part.bias, -1, 1)
    net.eval()
    folded = fold_batchnorm(net)
    image = torch.rand(2, 1, 8, 12)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
    assert not folded.config.batch_norm
    assert not folded.training
    torch.testing.assert_close(folded(image), net(image), rtol=1e-4, atol=1e-5)


def test_a_configuration_survives_its_dictionary():
    config = UNetConfig(depth=2, classes=3, layer_widths={"mida": LayerWidths(2, 3, 9)}, batch_norm=True)
    assert UNetConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("values", [{"depht": 3}, {"widths": 4}, {"widths": {"weights": 4}}, {"layer_widths": [1]},
                                    {"layer_widths": {"mida": 4}}, {"layer_widths": {"nowhere": {}}}, {"depth": 0},
                                    {"base_channels": 2.5}, {"classes": True}, {"in_channels": "1"}])
def test_a_damaged_configuration_is_refused(values):
    with pytest.raises(ConfigurationError):
        UNetConfig.from_dict(values)


@pytest.mark.parametrize(("make", "bits"), [(weight_quantizer, 1), (weight_quantizer, 17), (activation_quantizer, 0),
                                            (activation_quantizer, 2.0), (bias_quantizer, 33), (input_quantizer, True)])
def test_widths_that_nothing_can_have(make, bits):
    with pytest.raises(ConfigurationError, match=r"bits must be a whole number from \d+ to \d+"):
        make(bits)
