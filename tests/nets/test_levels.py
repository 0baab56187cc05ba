import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.nn.utils import parametrize

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, calibrate, settled, use_levels
from quantunet_hls.nets.levels import binarize, ternarize

FILTERS = hnp.arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 3), st.just(3), st.just(3)),
                     elements=st.integers(-64, 64).map(lambda value: value / 32))


def nearest_power(value):
    return 2.0 ** np.round(np.log2(max(value, 2.0**-16)))


@given(FILTERS)
def test_ternary_weights_are_the_papers_with_a_power_of_two(weights):
    levels = ternarize(torch.from_numpy(weights)).numpy()
    for filter_, found in zip(weights, levels, strict=True):
        size = np.abs(filter_.astype(np.float64))
        kept = size > 0.7 * size.mean()
        # At a tie float32 may fall on either side; the sixteenths of a power of two that are tried never tie here.
        if not np.any(np.isclose(size, 0.7 * size.mean())):
            magnitude = nearest_power(size[kept].mean()) if kept.any() else 0.0
            assert np.array_equal(found, np.sign(filter_) * kept * magnitude)
    assert np.array_equal(ternarize(torch.from_numpy(levels)).numpy(), levels)


@given(FILTERS)
def test_binary_weights_have_one_magnitude_a_filter(weights):
    levels = binarize(torch.from_numpy(weights)).numpy()
    for filter_, found in zip(weights, levels, strict=True):
        assert np.array_equal(found, np.where(filter_ < 0, -1, 1) * nearest_power(np.abs(filter_).mean()))
    assert np.array_equal(binarize(torch.from_numpy(levels)).numpy(), levels)


@pytest.mark.parametrize("kind", ["ternary", "binary"])
def test_levels_train_and_settle_to_the_same_net(kind):
    torch.manual_seed(0)
    config = UNetConfig(
        depth=1, base_channels=2, widths=LayerWidths(2, 4, weight_levels=kind), layer_widths={"head": LayerWidths(8)}
    )
    net = QuantUNet(config)
    use_levels(net)
    assert not parametrize.is_parametrized(net.head)
    calibrate(net, torch.rand(4, 1, 8, 8))
    net.train()(torch.rand(2, 1, 8, 8)).square().sum().backward()
    latent = net.enc0b.conv.parametrizations.weight.original
    assert torch.count_nonzero(latent.grad) > 0
    plain = settled(net.eval())
    image = torch.rand(2, 1, 8, 12)
    assert torch.equal(plain(image), net(image))
    weights = plain.enc0b.conv.weight.detach()
    assert torch.equal(plain.enc0b.conv.quant_weight().value.detach(), weights)
    allowed = {"ternary": {-1.0, 0.0, 1.0}, "binary": {-1.0, 1.0}}[kind]
    for filter_ in weights:
        assert set((filter_ / filter_.abs().max()).flatten().tolist()) <= allowed
        assert np.frexp(float(filter_.abs().max()))[0] == 0.5


@pytest.mark.parametrize("wrong", [{"weight_levels": "quinary"}, {"weight": 3, "weight_levels": "ternary"},
                                   {"weight": 2, "weight_levels": "binary", "weight_fraction": 1}])
def test_impossible_levels(wrong):
    with pytest.raises(ConfigurationError, match=r"evels|2 bits"):
        LayerWidths(**wrong)
