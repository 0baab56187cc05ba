import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.nets import QuantUNet
from quantunet_hls.training.equalize import equalize


def uneven(depth, base, seed, upsampling="nearest"):
    """A float net whose channels differ by orders of magnitude, as a folded BatchNorm leaves them."""
    torch.manual_seed(seed)
    net = QuantUNet(depth=depth, base_channels=base, quantized=False, upsampling=upsampling)
    with torch.no_grad():
        for name in net.config.layer_names:
            spread = 10 ** torch.empty(net.convolution(name).out_channels).uniform_(-1, 1)
            net.filters(name).mul_(spread[:, None, None, None])
            net.convolution(name).bias.mul_(spread)
    return net.double().eval()


@settings(deadline=None, max_examples=10)
@given(depth=st.integers(1, 3), base=st.integers(1, 4), seed=st.integers(0, 1000),
       upsampling=st.sampled_from(["nearest", "transposed"]))
def test_the_function_stays(depth, base, seed, upsampling):
    net = uneven(depth, base, seed, upsampling)
    image = torch.rand(1, 1, 2**depth * 2, 2**depth, dtype=torch.double)
    before = net(image).detach()
    equalize(net)
    assert torch.allclose(net(image), before, rtol=1e-9, atol=1e-9 * float(before.abs().max()))


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
def test_ranges_come_together(upsampling):
    net = uneven(2, 4, 1, upsampling)

    def spread(layer):
        ranges = net.filters(layer).detach().abs().amax(dim=(1, 2, 3))
        return float(ranges.max() / ranges.min())

    layers = ("enc0a", "mida", "up0", "dec1b")
    before = [spread(layer) for layer in layers]
    equalize(net)
    assert all(spread(layer) < was / 2 for layer, was in zip(layers, before, strict=True))


def test_a_dead_channel_leaves_no_hole():
    net = uneven(1, 2, 2)
    with torch.no_grad():
        net.enc0a.conv.weight[0] = 0
        net.enc0b.conv.weight[:, 1] = 0
    equalize(net)
    assert all(torch.isfinite(value).all() for value in net.state_dict().values())


@pytest.mark.parametrize("kind", [{"quantized": True}, {"quantized": False, "batch_norm": True}])
def test_only_plain_float_nets(kind):
    with pytest.raises(ConfigurationError, match="fold"):
        equalize(QuantUNet(depth=1, base_channels=1, **kind))
