import numpy as np
import pytest
import torch

from quantunet_hls.ingest import ingest
from quantunet_hls.tuning.file_quantizers import fewer_levels, file_quantizers, groups_of_scales, sources_of
from quantunet_hls.tuning.narrowing import with_constants
from tests.builders import Net


def found_in(net: Net):
    model = with_constants(ingest(net.model()).original)
    quantizers = file_quantizers(model)
    return model, {one.name: one for one in quantizers}, quantizers


def joined(scales, *, behind=True):
    """Two branches that are concatenated, and the names of their quantizers."""
    net = Net((1, 2, 4, 6))
    image = net.quant("x", 8, scale=0.03)
    first, second = (net.quant(net.relu(net.conv(image, 2)), 6, scale=scale, name=name)
                     for scale, name in zip(scales, ("a", "b"), strict=True))
    both = net.concat(first, net.pool(net.resize(second)))
    net.conv(net.quant(both, 6, scale=0.11, name="c") if behind else both, 1)
    return net


@pytest.mark.parametrize(("scales", "together"), [((0.07, 0.07), True), ((0.07, 0.14), True), ((0.07, 0.19), False)])
def test_scales_with_a_measure_change_together_where_they_meet(scales, together):
    model, _, quantizers = found_in(joined(scales))
    groups = groups_of_scales(model, quantizers, sources_of(model, quantizers))
    names = [{one.name for one in group} for group in groups]
    assert ({"a", "b"} in names) is together
    assert {"c"} in names
    assert sorted(one.name for group in groups for one in group) == sorted(one.name for one in quantizers)


def test_grids_of_fewer_bits_keep_a_measure_and_come_near():
    model, _, quantizers = found_in(joined((3 / 32, 9 / 32), behind=False))
    (group,) = [group for group in groups_of_scales(model, quantizers, sources_of(model, quantizers)) if len(group) > 1]
    values = {one.name: np.random.default_rng(0).uniform(-5, 60, 500) for one in group}
    grids = fewer_levels(group, values, 2)
    assert {grid.width for grid in grids.values()} == {4}
    (step,) = {grid.step for grid in grids.values()}
    # Tripled in single precision, any other would be off by a rounding.
    assert np.log2(step) == round(np.log2(step))


@pytest.mark.parametrize(("zero", "signed"), [(0, 0), (0, 1), (5, 0), (100, 0), (-7, 1)])
@pytest.mark.parametrize("less", [1, 3, 5])
def test_fewer_bits_keep_the_range_and_zero(zero, signed, less):
    net = Net((1, 2, 4, 6))
    net.conv(net.quant(net.relu(net.conv(net.quant("x", 8, scale=0.03), 2)), 7, scale=0.07, zero=zero, signed=signed,
                       name="q"), 2, pads=[0] * 4)
    _, by_name, _ = found_in(net)
    one = by_name["q"]
    low, high = (-64, 63) if signed else (0, 127)
    assert (one.low, one.high, one.width) == (low - zero, high - zero, 7)
    values = np.linspace(one.low - 9, one.high + 9, 4001)
    grid = fewer_levels([one], {"q": values}, less)["q"]
    assert grid.width == 7 - less
    assert grid.zero % 2 == 0
    assert grid.lowest <= grid.zero <= grid.highest
    made, wanted = (grid.cast(torch.from_numpy(values)).numpy(), np.clip(np.rint(values), one.low, one.high))
    if not zero:
        assert grid.zero == 0
    # Half a step of the even spread, an even zero point and what the ends are off by.
    assert np.abs(made - wanted).max() <= 2.5 * (one.high - one.low) / (2 ** (7 - less) - 1)
    assert 0 in grid.cast(torch.zeros(1)).tolist()


def test_limits_of_codes_in_front_of_one_another_are_one_quantizer():
    net = Net((1, 1, 4, 6))
    sums = net.conv(net.quant("x", 8, scale=0.03), 2)
    inner = net.quant(sums, 9, scale=0.07, signed=1, name="wide")
    net.conv(net.quant(inner, 6, scale=0.07, zero=3, name="narrow"), 1, pads=[0] * 4)
    _, by_name, _ = found_in(net)
    assert set(by_name) == {"Quant_0", "narrow"}
    one = by_name["narrow"]
    assert (one.low, one.high) == (-3, 60)
    assert one.source == sums
