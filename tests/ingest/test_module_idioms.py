"""Modules as common U-Net projects write them: what their sizes make superfluous is dropped, and the rest is exact."""

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from torch import nn
from torch.nn import functional

from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest import ingest, load_qonnx, run_graph
from quantunet_hls.ingest.source import open_source
from quantunet_hls.nets import calibrate
from quantunet_hls.nets.quantizers import activation_quantizer, input_quantizer, weight_quantizer
from quantunet_hls.ops.qonnx.graph import only
from tests.builders import op_types

SHAPE = (1, 8, 12)


def conv(channels, filters, kernel=3, kind=qnn.QuantConv2d, **settings):
    return kind(channels, filters, kernel, **({"padding": kernel // 2, "bias": False,
                                               "weight_quant": weight_quantizer(4)} | settings))


def relu(bits=5):
    return qnn.QuantReLU(act_quant=activation_quantizer(bits))


def double_conv(channels, filters):
    return nn.Sequential(conv(channels, filters), relu(), nn.Dropout2d(0.2), conv(filters, filters), relu())


class UNet(nn.Module):
    """One level; ``joins`` brings what comes up to the size of the skip and puts them together."""

    def __init__(self, joins, up=None):
        super().__init__()
        self.port = qnn.QuantIdentity(act_quant=input_quantizer(8))
        self.inc, self.down = double_conv(1, 2), nn.Sequential(nn.MaxPool2d(2), double_conv(2, 3))
        self.up, self.joins = up or nn.Upsample(scale_factor=2), joins
        self.conv, self.out = double_conv(5, 2), conv(2, 2, 1)

    def forward(self, x):
        skip = self.inc(self.port(x))
        return self.out(self.conv(self.joins(self.up(self.down(skip)), skip)))


def padded_by_differences(x1, x2):
    rows, columns = x2.size()[2] - x1.size()[2], x2.size()[3] - x1.size()[3]
    x1 = functional.pad(x1, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
    return torch.cat([x2, x1], dim=1)


def padded_by_tensors(x1, x2):
    rows, columns = torch.tensor([x2.size()[2] - x1.size()[2]]), torch.tensor([x2.size()[3] - x1.size()[3]])
    x1 = functional.pad(x1, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
    return torch.cat([x2, x1], dim=1)


def padded_where_sizes_differ(x, skip):
    """By the edge, a pixel for each axis that is odd."""
    pads = [0] * 4
    for axis in range(2):
        if skip.shape[-axis - 1] != x.shape[-axis - 1]:
            pads[axis * 2 + 1] = 1
    return torch.cat([skip, functional.pad(x, pads, "replicate")], dim=1)


def resized_to_the_skip(x, skip):
    return torch.cat([functional.interpolate(x, size=skip.shape[2:], mode="nearest"), skip], 1)


def cropped_to_the_skip(x, skip):
    return torch.cat([skip, x[:, :, :skip.shape[2], :skip.shape[3]]], dim=1)


def cropped_around_the_middle(x, skip):
    _, _, rows, columns = x.shape
    top, left = (skip.shape[2] - rows) // 2, (skip.shape[3] - columns) // 2
    return torch.cat([skip[:, :, top:top + rows, left:left + columns], x], 1)


def reshaped_and_cast(x, skip):
    x = x.float().reshape(skip.shape[0], -1, skip.shape[2], skip.shape[3]) * 1.0 + 0
    return torch.cat((x.contiguous().expand(-1, 3, -1, -1), skip.view(skip.shape)), dim=1)


JOINS = {
    "pad by differences": (padded_by_differences, None),
    "pad by differences of tensors": (padded_by_tensors, None),
    "pad by differences behind a transposed convolution": (
        padded_by_differences, lambda: conv(3, 3, 2, qnn.QuantConvTranspose2d, stride=2, padding=0)),
    "pad where sizes differ": (padded_where_sizes_differ, None),
    "interpolate to a size": (resized_to_the_skip, nn.Identity),
    "crop": (cropped_to_the_skip, None),
    "crop around the middle": (cropped_around_the_middle, None),
    "reshape and cast": (reshaped_and_cast, None),
}


def made(name, shape):
    joins, up = JOINS[name]
    torch.manual_seed(3)
    module = UNet(joins, None if up is None else up())
    calibrate(module, torch.rand(2, *shape))
    return module.eval()


@pytest.mark.parametrize("name", JOINS)
def test_the_module_and_the_hardware_graph_compute_the_same(name):
    source = open_source(made(name, SHAPE), SHAPE)
    graph = ingest(source.graph())
    assert set(op_types(graph.model)) <= {"Quant", "Conv", "Relu", "MaxPool", "Resize", "Concat", "ZeroInsertion"}
    images = np.random.default_rng(0).integers(0, 256, (2, *graph.input_shape)) / 256
    checks = reference(graph, images, source.module()).checks
    assert {check.reference for check in checks} >= {"Brevitas", "QONNX"}
    assert sum(check.differing for check in checks) == 0
    assert sum(check.values for check in checks) > 1000


@pytest.mark.parametrize("name", ["pad by differences", "pad by differences of tensors"])
def test_a_skip_of_an_odd_size_is_padded_for(name):
    shape = (1, 9, 13)
    source = open_source(made(name, shape), shape)
    graph = ingest(source.graph())
    images = np.random.default_rng(0).integers(0, 256, (2, *graph.input_shape)) / 256
    assert sum(check.differing for check in reference(graph, images, source.module()).checks) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", JOINS)
def test_what_the_newer_exporter_writes(name, tmp_path):
    pytest.importorskip("onnxscript")
    module, path = made(name, SHAPE), tmp_path / "net.onnx"
    export_qonnx(module, args=torch.rand(1, *SHAPE), export_path=str(path), dynamo=True)
    graph = ingest(load_qonnx(path))
    images = np.random.default_rng(0).integers(0, 256, (2, *graph.input_shape)) / 256
    found = run_graph(graph.model, images)[only(graph.model, "output")]
    expected = module.double()(torch.from_numpy(images.transpose(0, 3, 1, 2)))
    assert np.array_equal(found.transpose(0, 3, 1, 2), expected.detach().numpy())
