"""Random U-Nets: Brevitas, QONNX, channels-last QONNX and C-simulation give the same integers.

Twenty nets of seeded random shape and widths. Depth 4 and base 16 are among
them, with images as small as their depth allows, for g++'s time grows with the
number of layers.
"""

from __future__ import annotations

import random

import pytest
import torch

from quantunet_hls import generate_accelerator
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, calibrate

#: Depth and base channels of each net; all else is drawn from the index as the seed.
_SHAPES = [(1, 2), (1, 3), (1, 4), (1, 5), (1, 8), (1, 16), (1, 2), (1, 7), (1, 4), (2, 2),
           (2, 3), (2, 4), (2, 5), (2, 8), (2, 2), (2, 6), (3, 2), (3, 4), (3, 8), (4, 16)]


def random_unet(seed: int, depth: int, base: int) -> tuple[QuantUNet, tuple[int, int, int]]:
    """A calibrated net with mixed widths, and the shape of its images."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    names = UNetConfig(depth=depth, base_channels=base).layer_names
    config = UNetConfig(
        depth=depth,
        base_channels=base,
        in_channels=draw.choice((1, 3)),
        classes=draw.choice((1, 4)),
        layer_widths={name: LayerWidths(draw.randint(2, 8), draw.randint(2, 8), draw.choice((8, 12, 16)))
                      for name in names},
    )
    net = QuantUNet(config)
    step = 2**depth
    height = step * (draw.randint(1, 3) if depth < 3 else 1)
    # Every other net is not square.
    width = height if seed % 2 else height + step * draw.randint(1, 2)
    shape = (config.in_channels, height, width)
    calibrate(net, torch.rand(2, *shape))
    return net.eval(), shape


#: A third of them, every depth but the last among them; the others take the compiler up to a minute each.
_QUICK = (0, 1, 4, 6, 9, 14, 16)


@pytest.mark.parametrize(("seed", "depth", "base"), [
    pytest.param(seed, *shape, marks=[] if seed in _QUICK else [pytest.mark.slow])
    for seed, shape in enumerate(_SHAPES)])
def test_no_value_differs(seed, depth, base, tmp_path):
    net, shape = random_unet(seed, depth, base)
    made = generate_accelerator(net, "zcu104", input_shape=shape, images=2, toolchain="none", last="csim",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.differing == 0
    # Each convolution and each activation of the module was compared, by itself, in every executor.
    pairs = {(check.reference, check.candidate) for check in made.checks}
    assert pairs == {("Brevitas", "QONNX"), ("QONNX", "channels-last QONNX"),
                     ("channels-last QONNX", "C-simulation")}
    layers = len(net.config.layer_names)
    assert sum(check.reference == "Brevitas" for check in made.checks) == 2 * layers + 1
    simulated = [check for check in made.checks if check.candidate == "C-simulation"]
    # Convolutions and ReLUs, poolings, upsamplings, concatenations, and the output.
    assert len(simulated) == 2 * layers - 1 + 3 * depth + 1
    assert all(check.values > 0 for check in made.checks)
