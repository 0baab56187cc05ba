from dataclasses import replace

import pytest
import torch

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.data.image_folders import to_input
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig
from quantunet_hls.training.prepare import calibration_places, quantize

SHAPE = {"depth": 1, "base_channels": 3}


def float_net():
    torch.manual_seed(5)
    net = QuantUNet(**SHAPE, quantized=False, batch_norm=True)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.2, 0.2)
                module.running_var.uniform_(0.2, 3)
                module.weight.uniform_(0.5, 2)
                module.bias.uniform_(-0.2, 0.4)
    return net.eval()


def test_wide_quantizers_reproduce_the_float_net():
    net, phantoms = float_net(), draw_phantoms(16, 8, 12)
    images = to_input(phantoms.images)
    config = UNetConfig(**SHAPE, widths=LayerWidths(weight=14, activation=14, bias=30))
    got = quantize(net, config, phantoms).eval()(images)
    got = getattr(got, "value", got)
    assert torch.allclose(got, net(images), atol=0.01)
    # The same net at few bits moves further: the tolerance above is no accident.
    coarse = quantize(net, UNetConfig(**SHAPE, widths=LayerWidths(weight=2, activation=2)), phantoms).eval()(images)
    assert not torch.allclose(getattr(coarse, "value", coarse), net(images), atol=0.01)


@pytest.mark.parametrize("number", [1, 15, 16, 33, 200])
def test_a_few_images_spread_evenly_give_the_same_net_as_all(number):
    net, phantoms, config = float_net(), draw_phantoms(number, 8, 8, seed=2), UNetConfig(**SHAPE)
    places = calibration_places(number)
    assert len(places) == min(number, 16)
    few = replace(phantoms, names=tuple(phantoms.names[place] for place in places), images=phantoms.images[places],
                  masks=phantoms.masks[places])
    one, other = (quantize(net, config, samples).state_dict() for samples in (phantoms, few))
    assert all(torch.equal(value, other[key]) for key, value in one.items())


def test_the_float_net_is_left_alone():
    net = float_net()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    quantize(net, UNetConfig(**SHAPE), draw_phantoms(2, 8, 8))
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


@pytest.mark.parametrize(("start", "config", "says"), [
    (QuantUNet(**SHAPE), UNetConfig(**SHAPE), "starts from a float one"),
    (QuantUNet(**SHAPE, quantized=False), UNetConfig(**SHAPE, quantized=False), "starts from a float one"),
    (QuantUNet(**SHAPE, quantized=False), UNetConfig(**SHAPE, batch_norm=True), "BatchNorm"),
    (QuantUNet(**SHAPE, quantized=False), UNetConfig(depth=2, base_channels=3), "depth 1 and the quantized one 2"),
])
def test_what_does_not_fit_is_refused(start, config, says):
    with pytest.raises(ConfigurationError, match=says):
        quantize(start, config, draw_phantoms(2, 8, 8))
