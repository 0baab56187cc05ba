"""Every kind of quantizer that can be trained, from float network to C-simulation."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from quantunet_hls import generate_accelerator
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, settled
from quantunet_hls.nets.formats import with_formats
from quantunet_hls.nets.learned import set_widths
from quantunet_hls.training.prepare import quantize


def built(config, **kind):
    torch.manual_seed(0)
    start = QuantUNet(replace(config, quantized=False))
    return quantize(start, config, draw_phantoms(8, 16, 24), **kind).eval()


def csim(net, tmp_path):
    made = generate_accelerator(net, "zcu104", input_shape=(1, 16, 24), images=2, toolchain="none", last="csim",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert any(check.candidate == "C-simulation" and check.layer is None for check in made.checks)
    return made.differing


def test_ternary_binary_and_fixed_point_layers_of_one_net(tmp_path):
    fixed = with_formats(LayerWidths(), "w0.4", "a6.0")
    net = built(UNetConfig(
        depth=2, base_channels=3, widths=fixed, layer_widths={
            "enc0a": with_formats(LayerWidths(8), "a6.0"), "enc0b": LayerWidths(2, 5, weight_levels="ternary"),
            "enc1a": LayerWidths(2, 4, weight_levels="binary"), "midb": LayerWidths(2, 2), "dec1b": LayerWidths(3, 2),
            "head": LayerWidths(8),
        },
    ))
    assert csim(settled(net), tmp_path) == 0


@pytest.mark.slow
def test_learned_widths_without_convolutions_behind_the_upsampling(tmp_path):
    net = built(UNetConfig(depth=2, base_channels=3, channels=(3, 4, 4), up_convolution=False,
                           widths=LayerWidths(8, 8)), learned_widths=True)
    set_widths(net, {"enc0a.weight": 5, "enc0b.activation": 3, "mida.weight": 2, "dec1a.activation": 2})
    assert csim(settled(net), tmp_path) == 0


@pytest.mark.slow
def test_bilinear_upsampling_into_the_concatenation(tmp_path):
    net = built(UNetConfig(depth=2, base_channels=3, channels=(3, 4, 4), up_convolution=False, upsampling="bilinear"))
    assert csim(settled(net), tmp_path) == 0
