"""Bilinear upsampling between scales of any kind."""

import numpy as np
import pytest

from tests.executors import Executors
from tests.random_layers import RandomNet

MODES = ("half_pixel", "asymmetric", "align_corners")


def upsampling_net(seed: int, mode: str) -> RandomNet:
    """Down, up by 2 or 3 along each axis and, behind a quantizer of its own, beside the skip connection."""
    net = RandomNet((1, 2, 6, 12), seed=seed)
    factors = [int(each) for each in net.random.choice([2, 3], 2)]
    down = net.block(net.levels("x", 6), 3)
    low = net.block(net.pool(down, factors), int(net.random.integers(2, 4)))
    up = net.resize(low, *factors, mode="linear", coordinate_transformation_mode=mode)
    fractions = mode == "align_corners" or 3 in factors
    if fractions or net.random.integers(2):
        up = net.levels(up)
    net.sums(net.block(net.levels(net.concat(down, up)), 3), 2, 1)
    return net


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(1, 4))
def test_fractions_and_emulator_agree(seed, mode, tmp_path):
    case = Executors(upsampling_net(seed, mode).model(), tmp_path)
    assert case.check_exactly()
    case.check_emulator()
    assert np.unique(case.expected).size > 8


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_c_simulation_and_rtl_agree(mode, tmp_path):
    case = Executors(upsampling_net(7, mode).model(), tmp_path)
    case.check_csim()
    case.check_rtl()
