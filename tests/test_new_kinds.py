"""Transposed convolutions, sigmoids, masks, and windows of any kind: from Brevitas through all stages, 0 differing."""

from __future__ import annotations

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import Int8ActPerTensorFixedPoint
from brevitas.quant.fixed_point import Int8WeightPerChannelFixedPoint
from torch import nn

from quantunet_hls import generate_accelerator
from quantunet_hls.emulate.accuracy import emulate_graph
from quantunet_hls.images import check_images
from quantunet_hls.ingest import ingest, load_qonnx
from quantunet_hls.nets import calibrate
from quantunet_hls.nets.quantizers import (
    CALIBRATION_STEPS,
    activation_quantizer,
    bias_quantizer,
    input_quantizer,
    weight_quantizer,
)
from quantunet_hls.reports import names
from quantunet_hls.verify import reference

_SHAPE = (1, 8, 12)
_NO_BIAS = {"bias": False, "bias_quant": None}


def _conv(channels: int, filters: int, kernel: int, kind: type = qnn.QuantConv2d, **settings: object) -> nn.Module:
    return kind(channels, filters, kernel, **({"bias": True, "weight_quant": weight_quantizer(4),
                                               "bias_quant": bias_quantizer(16)} | settings))


def _up(channels: int, filters: int, kernel: int, **settings: object) -> nn.Module:
    return _conv(channels, filters, kernel, qnn.QuantConvTranspose2d, stride=2, **settings)


def _relu() -> nn.Module:
    return qnn.QuantReLU(act_quant=activation_quantizer(5), return_quant_tensor=True)


def _signed() -> nn.Module:
    quantizer = Int8ActPerTensorFixedPoint.let(bit_width=6, collect_stats_steps=CALIBRATION_STEPS)
    return qnn.QuantIdentity(act_quant=quantizer, return_quant_tensor=True)


class UpConvolutions(nn.Module):
    """A U-Net of two levels with up-convolutions, as the original one has, overlapping poolings and a mean of 3x3."""

    def __init__(self, classes: int, end: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Sequential(qnn.QuantIdentity(act_quant=input_quantizer(8), return_quant_tensor=True),
                                  _conv(1, 3, 3, padding=1), _signed())
        # Signed, so that the padding of a maximum must lie below zero.
        self.down = nn.Sequential(nn.MaxPool2d(3, 2, padding=1), _conv(3, 4, 3, padding=1), _signed())
        self.low = nn.Sequential(nn.AvgPool2d(3, (2, 2), padding=1), _signed(), _conv(4, 3, 1), _relu())
        self.up = nn.Sequential(_up(3, 4, 3, padding=1, output_padding=1), _signed())
        # Behind a concat there is no one scale for a bias to follow.
        self.last = nn.Sequential(_up(8, 2, 2, weight_quant=Int8WeightPerChannelFixedPoint.let(bit_width=5),
                                      **_NO_BIAS), _relu())
        self.head = _conv(5, classes, 1, **_NO_BIAS)
        self.end = end

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stem = self.stem(x)
        down = self.down(stem)
        up = self.last(torch.cat([self.up(self.low(down)).value, down.value], dim=1))
        return self.end(self.head(torch.cat([stem.value, up.value], dim=1)))


class Mask(nn.Module):
    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return (torch.sigmoid(logits) > 0.5).float()


class Classes(nn.Module):
    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return torch.argmax(logits, dim=1)


def _generate(folder, classes, end, output, **settings):
    torch.manual_seed(4)
    net = UpConvolutions(classes, end)
    calibrate(net, torch.rand(2, *_SHAPE))
    return generate_accelerator(net.eval(), "zcu104", input_shape=_SHAPE, images=2, output=output,
                                projects=folder / "projects", reports=folder / "reports", **settings)


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "end", "output"), [
    (2, nn.Identity(), "logits"), (1, nn.Sigmoid(), "logits"), (1, nn.Identity(), "mask"), (1, nn.Sigmoid(), "mask"),
    (3, nn.Identity(), "mask"), (3, Classes(), "logits"), (1, Mask(), "logits")])
def test_all_stages_compute_the_same(classes, end, output, tmp_path):
    made = _generate(tmp_path, classes, end, output, toolchain="open", last="rtl")
    assert made.differing == 0
    graph = ingest(load_qonnx(made.folder / "network.onnx"), output)
    seen = {(check.candidate, check.layer) for check in made.checks}
    for stage in ("C-simulation", "RTL simulation"):
        assert {(stage, None)} | {(stage, node.name) for node in graph.model.graph.node
                                  if node.op_type in ("ZeroInsertion", "Concat")} <= seen
    # A float sigmoid is compared with nothing, but its distance from the table is known.
    sigmoid = isinstance(end, nn.Sigmoid) and output == "logits"
    assert (("QONNX", None) in seen) == (not isinstance(end, nn.Sigmoid))
    error = made.report.figure(names.SIGMOID_ERROR_MAX)
    assert (error is not None) == sigmoid
    assert error is None or 0 < error.value < 0.006
    # The emulator, too, is equal at every layer.
    images = check_images(None, 2, *graph.input_shape)
    expected = reference(graph, images)
    result = emulate_graph(graph).predict(images)
    assert np.array_equal(result, expected.result)
    if output == "mask" or not isinstance(end, nn.Identity | nn.Sigmoid):
        assert graph.output_shape == (*_SHAPE[1:], 1)
        assert set(np.unique(result)) <= set(range(max(2, classes)))


@pytest.mark.slow
def test_all_kinds_are_mapped(tmp_path):
    made = _generate(tmp_path, 3, nn.Identity(), "mask", toolchain="open")
    assert made.differing == 0
    mapped = {layer.name for layer in made.report.layers if layer.figures}
    # The mean's unit rounds, too: it has the name of the quantizer whose values it puts out.
    assert {"classes", "up_up_0_ConvTranspose_zeros", "down_down_0_MaxPool", "low_low_1_Quant"} <= mapped
