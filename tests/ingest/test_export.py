import logging
import sys
import warnings

import numpy as np
import pytest
import torch
from brevitas.nn import QuantConv2d, QuantIdentity, QuantReLU
from torch import nn

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError
from quantunet_hls.ingest import export_module, ingest, trace_module
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.nets.quantizers import activation_quantizer, bias_quantizer, input_quantizer, weight_quantizer
from tests.builders import brevitas_unet, execute


@pytest.mark.parametrize(("height", "width"), [(8, 12), (12, 8), (2, 2)])
def test_the_graph_computes_what_the_module_computes(height, width):
    net = brevitas_unet(channels=3, classes=2)
    images = np.random.default_rng(0).uniform(-0.2, 1.2, size=(2, 3, height, width)).astype(np.float32)
    graph = export_module(net, (3, height, width))
    output, weighted, activations = trace_module(net, images)
    for index, image in enumerate(images):
        assert np.array_equal(execute(tidy(graph), image[None])[0], output[index])
    # Eight convolutions at depth 1, as many activations: the head has none, the image has one.
    assert len(weighted) == len(net.config.layer_names)
    assert len(activations) == len(net.config.layer_names)


def test_the_module_stays_as_it_was():
    net = brevitas_unet().train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    export_module(net, (1, 8, 12))
    trace_module(net, np.zeros((1, 1, 8, 12)))
    assert net.training
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert all(value.dtype == before[key].dtype for key, value in net.state_dict().items())


def test_nothing_is_printed(capsys):
    export_module(brevitas_unet(), (1, 8, 12))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("shape", [(1, 7, 12), (1, 8, 11)])
def test_a_size_that_the_depth_does_not_divide(shape):
    with pytest.raises(ConfigurationError, match=r"multiples of 2, not .*crop or pad"):
        export_module(brevitas_unet(), shape)


def test_other_channels():
    with pytest.raises(ConfigurationError, match="can't be run on an image of 3x8x12"):
        export_module(brevitas_unet(), (3, 8, 12))


@pytest.mark.parametrize("error", [ValueError, KeyError, AttributeError, AssertionError, RuntimeError])
def test_whatever_a_forward_raises(error):
    class Broken(nn.Module):
        def forward(self, x):
            raise error("two\nlines")

    with pytest.raises(ConfigurationError, match="can't be run on an image") as caught:
        export_module(Broken(), (1, 8, 12))
    assert "\n" not in str(caught.value)


def test_two_results():
    class Two(nn.Module):
        def forward(self, x):
            return x + 1, x + 2

    with pytest.raises(QuantUNetError, match="2 outputs"):
        export_module(Two(), (1, 8, 12))


class OneLayer(nn.Module):
    """A convolution, perhaps with a bias that no quantizer touches."""

    def __init__(self, **options):
        super().__init__()
        self.port = QuantIdentity(act_quant=input_quantizer(8), return_quant_tensor=True)
        self.conv = QuantConv2d(1, 2, 3, padding=1, bias=True, weight_quant=weight_quantizer(4), **options)
        self.relu = QuantReLU(act_quant=activation_quantizer(4), return_quant_tensor=True)

    def forward(self, x):
        return self.relu(self.conv(self.port(x))).value


def test_fact_7_a_bias_without_a_quantizer_becomes_part_of_the_quantizer_behind_it():
    torch.manual_seed(0)
    loose, quantized = OneLayer().eval(), OneLayer(bias_quant=bias_quantizer(8)).eval()
    for net in (loose, quantized):
        # Further apart than 24 bits reach, so no fixed-point type holds both.
        net.conv.bias.data = torch.tensor([0.3, 0.0001])
    kinds = [[node.op_type for node in ingest(export_module(net, (1, 8, 12))).model.graph.node]
             for net in (loose, quantized)]
    assert kinds == [["Quant", "Conv", "Requantize"], ["Quant", "Conv", "Relu", "Quant"]]


def test_a_float_network_is_refused_with_a_remedy():
    with pytest.raises(QuantUNetError, match=r"is a float network.*quantunet-hls quantize"):
        ingest(export_module(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), (1, 8, 12)))


class Unknown(nn.Module):
    def forward(self, x):
        sys.stdout.write("hello from the module\n")
        warnings.warn("a warning of the module", stacklevel=1)
        return torch.linalg.svdvals(x)


def test_an_export_that_fails_says_one_sentence_and_nothing_else(capfd, caplog):
    level = caplog.at_level(logging.DEBUG, logger="quantunet_hls")
    with level, pytest.raises(ConfigurationError, match=r"svdvals.*use layers that") as caught:
        export_module(Unknown(), (1, 8, 8))
    assert capfd.readouterr() == ("", "")
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None
    assert "hello from the module" in caplog.text
    assert "Torch IR graph at exception" in caplog.text
