import numpy as np
import pytest
import torch

from quantunet_hls.data.image_folders import to_input
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig
from quantunet_hls.nets.formats import with_formats
from quantunet_hls.training.formats import fit_formats
from quantunet_hls.training.prepare import quantize

SAMPLES = draw_phantoms(6, 16, 24, seed=3)


@pytest.mark.parametrize("kind", [{}, {"up_convolution": False}, {"upsampling": "transposed"}])
def test_a_rescaled_net_computes_the_same_and_fills_its_formats(kind):
    torch.manual_seed(0)
    shape = {"depth": 2, "base_channels": 3, **kind}
    net = QuantUNet(quantized=False, **shape).double().eval()
    free = with_formats(LayerWidths(8), "a6.0")
    config = UNetConfig(widths=with_formats(LayerWidths(), "w0.4", "a6.0"),
                        layer_widths={"enc0a": free, "head": LayerWidths(8)}, **shape)
    images = to_input(SAMPLES.images).double()
    before = net(images)
    largest = {}
    for name in config.layer_names[:-1]:
        net.get_submodule(name).register_forward_hook(
            lambda _m, _a, output, name=name: largest.__setitem__(name, float(output.detach().max())))
    net(images)
    untouched = dict(largest)
    fit_formats(net, config, images)
    assert torch.allclose(net(images), before, rtol=1e-9, atol=1e-12)

    def distance(found):
        return np.mean([abs(np.log2(value / 63)) for value in found.values() if value])

    # Activations of about 0.1 have come near to 63, as far as the weights' range lets them.
    assert distance(largest) < 0.7 * distance(untouched)


def test_nothing_is_rescaled_without_fixed_formats():
    torch.manual_seed(0)
    net = QuantUNet(depth=1, base_channels=2, quantized=False)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    fit_formats(net, UNetConfig(depth=1, base_channels=2), to_input(SAMPLES.images))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_quantized_net_starts_from_the_rescaled_one():
    torch.manual_seed(0)
    start = QuantUNet(depth=1, base_channels=2, quantized=False)
    config = UNetConfig(depth=1, base_channels=2, widths=with_formats(LayerWidths(), "w0.4", "a6.0"))
    net = quantize(start, config, SAMPLES)
    for name in config.layer_names[:-1]:
        block = net.get_submodule(name)
        assert float(block.conv.quant_weight().scale.detach()) == 1 / 16
        assert float(block.relu.act_quant.scale().detach()) == 1.0
