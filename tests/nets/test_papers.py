"""The two papers' networks, with each paper's kind of widths: their sizes, and small ones of them in every executor."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest.limits import MAX_CONSTANTS
from quantunet_hls.ingest.source import open_source
from quantunet_hls.nets import QuantUNet, UNetConfig, settled
from quantunet_hls.nets.architectures import shape_of
from quantunet_hls.nets.sizes import check_image_size, layer_sizes
from quantunet_hls.ops.qonnx.graph import attribute
from quantunet_hls.training import recipes
from quantunet_hls.training.prepare import quantize
from tests.executors import Executors

PAPERS = ("original", "fixedpoint_paper")
WIDTHS = ("quantunet", "fixedpoint-w4a6", "ternary")
QUICK = {("original", "quantunet"), ("original", "ternary"), ("fixedpoint_paper", "fixedpoint-w4a6")}
SHAPE = (1, 16, 16)


def small(architecture, recipe, *, depth, base=4, seed=0):
    """A paper's network of few channels with random weights, quantized as a training begins, and settled."""
    config = recipes.load(recipe).with_changes(architecture=architecture).network()
    channels = tuple(base * count // 64 for count in config.channels[: depth + 1])
    known = replace(config, depth=depth, base_channels=base, channels=channels, layer_widths={})
    outer = {name: widths for name, widths in config.layer_widths.items() if name in known.layer_names}
    torch.manual_seed(seed)
    net = QuantUNet(replace(known, quantized=False))
    with torch.no_grad():
        for name, size in layer_sizes(known, *SHAPE[1:]).items():
            # As large as keeps values from layer to layer (He et al., arXiv 1502.01852); few channels then live on.
            net.filters(name).normal_(0, (2 / (size.overlap * size.inputs)) ** 0.5)
            net.convolution(name).bias.uniform_(0, 0.2)
    return settled(quantize(net, replace(known, layer_widths=outer), draw_phantoms(4, *SHAPE[1:], seed=3),
                            learned_widths=recipe == "quantunet")).eval()


def parameters(config):
    return sum(size.weights + size.outputs for size in layer_sizes(config, 16, 16).values())


def test_the_original_has_31_million_parameters_in_23_convolutions():
    config = UNetConfig(**shape_of("original"))
    assert config.level_channels == (64, 128, 256, 512, 1024)
    assert len(config.layer_names) == 23
    assert round(parameters(config) / 1e6, 1) == 31.0
    # Of the products of its up-convolutions none is with a zero between pixels.
    assert layer_sizes(config, 128, 128)["up0"].macs == 128 * 64 * 128**2
    with torch.device("meta"):
        net = QuantUNet(replace(config, quantized=False))
    assert sum(parameter.numel() for parameter in net.parameters()) == parameters(config)
    assert sum(isinstance(part, nn.ConvTranspose2d) for part in net.modules()) == 4


@pytest.mark.parametrize("architecture", PAPERS)
def test_the_papers_networks_are_within_what_is_built(architecture):
    config = UNetConfig(**shape_of(architecture))
    check_image_size(config, 512, 512)
    assert parameters(config) < MAX_CONSTANTS


def test_the_papers_recipes_train_the_papers_networks():
    paper = recipes.load("fixedpoint-paper").network()
    assert (paper.upsampling, paper.up_convolution, paper.level_channels) == ("bilinear", False, (64, 128, 256, 256))
    assert paper.widths_of("mida").weight_fraction == 4
    original = recipes.load("quantunet-original")
    assert original.network() == UNetConfig(**shape_of("original"), widths=original.network().widths)
    assert original.widths is not None


def test_transposed_convolutions_are_up_convolutions():
    with pytest.raises(ConfigurationError, match="leave up_convolution true, or upsample nearest or bilinear"):
        UNetConfig(upsampling="transposed", up_convolution=False)


@pytest.mark.parametrize(("architecture", "recipe"), [
    pytest.param(architecture, recipe, marks=[] if (architecture, recipe) in QUICK else pytest.mark.slow)
    for architecture in PAPERS for recipe in WIDTHS])
def test_brevitas_and_the_emulator_give_the_same_integers(architecture, recipe, tmp_path):
    net = small(architecture, recipe, depth=1)
    case = Executors(open_source(net, SHAPE).graph(), tmp_path, low=0, high=1)
    checks = reference(case.graph, case.images, net).checks
    assert len(checks) > 10
    assert sum(check.differing for check in checks) == 0
    assert np.unique(case.expected).size > 9
    case.check_emulator()
    kinds = {layer.class_name for layer in case.model.get_layers()}
    assert ("PixelBlocks" in kinds) == (architecture == "original")
    assert "ZeroInsertion" not in kinds


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "recipe", "depth"), [
    ("original", "quantunet", 4), ("original", "ternary", 2), ("fixedpoint_paper", "fixedpoint-w4a6", 3)])
def test_the_papers_networks_are_exact_in_every_executor(architecture, recipe, depth, tmp_path):
    net = small(architecture, recipe, depth=depth)
    case = Executors(open_source(net, SHAPE).graph(), tmp_path, low=0, high=1)
    assert sum(check.differing for check in reference(case.graph, case.images, net).checks) == 0
    case.check_emulator()
    case.check_csim()
    case.check_rtl()
    spread = [node for node in case.graph.model.graph.node if node.op_type == "ZeroInsertion"]
    assert [attribute(node, "factor") for node in spread] == [[2, 2]] * (depth if architecture == "original" else 0)
