"""Segmentation nets that are not ours, from Brevitas or QONNX file to C-simulation."""

from __future__ import annotations

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import Int8ActPerTensorFixedPoint
from brevitas.quant.fixed_point import Int8WeightPerChannelFixedPoint
from onnx import helper
from torch import nn

from quantunet_hls import generate_accelerator
from quantunet_hls.ingest import export_module
from quantunet_hls.nets import QuantUNet, calibrate
from quantunet_hls.nets.quantizers import (
    CALIBRATION_STEPS,
    activation_quantizer,
    bias_quantizer,
    input_quantizer,
    weight_quantizer,
)
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute


def _conv(channels: int, filters: int, kernel: int | tuple[int, int] = 3, **settings: object) -> nn.Module:
    padding = kernel // 2 if isinstance(kernel, int) else 0
    given = {"padding": padding, "bias": True, "weight_quant": weight_quantizer(4),
             "bias_quant": bias_quantizer(16)}
    return qnn.QuantConv2d(channels, filters, kernel, **(given | settings))


def _relu(bits: int = 6) -> nn.Module:
    return qnn.QuantReLU(act_quant=activation_quantizer(bits), return_quant_tensor=True)


def _signed(bits: int) -> nn.Module:
    quantizer = Int8ActPerTensorFixedPoint.let(bit_width=bits, collect_stats_steps=CALIBRATION_STEPS)
    return qnn.QuantIdentity(act_quant=quantizer, return_quant_tensor=True)


def _input() -> nn.Module:
    return qnn.QuantIdentity(act_quant=input_quantizer(8), return_quant_tensor=True)


class Mixture(nn.Module):
    """Depthwise and separable convolutions, LeakyReLU, signed activations, strides, both poolings, four classes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_input(), _conv(3, 8), nn.LeakyReLU(0.125), _signed(6))
        self.separable = nn.Sequential(_conv(8, 8, groups=8), _relu(5), _conv(8, 6, 1), _relu(4))
        self.pool = nn.AvgPool2d(2)
        self.body = nn.Sequential(_conv(6, 12, 5), _relu(), nn.MaxPool2d((1, 2)))
        self.down = nn.Sequential(_conv(12, 6, (1, 3), padding=(0, 1), bias=False, bias_quant=None,
                                        weight_quant=Int8WeightPerChannelFixedPoint.let(bit_width=5)), _signed(7))
        self.strided = nn.Sequential(_conv(6, 6, stride=(2, 1), groups=6), _relu(8))
        self.out = _conv(6, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.separable(self.stem(x)))
        return self.out(self.strided(self.down(self.body(x))))


class ForkedSkip(nn.Module):
    """A skip that joins branches of different scales, read by three layers, with unequal upsampling."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_input(), _conv(1, 4), _relu(5))
        self.low = nn.Sequential(nn.MaxPool2d((2, 1)), _conv(4, 3), _relu(3))
        self.side = nn.Sequential(_conv(4, 2, 1, bias_quant=None, bias=False), _relu(8))
        self.out = _conv(9, 2, bias_quant=None, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stem = self.stem(x)
        low = nn.functional.interpolate(self.low(stem), scale_factor=(2, 1), mode="nearest")
        return self.out(torch.cat([stem.value, low.value, self.side(stem).value], dim=1))


@pytest.mark.parametrize(("net", "shape"), [(Mixture, (3, 12, 16)), (ForkedSkip, (1, 8, 12))])
def test_foreign_module(net, shape, tmp_path):
    torch.manual_seed(1)
    module = net()
    calibrate(module, torch.rand(2, *shape))
    made = generate_accelerator(module.eval(), "zcu104", input_shape=shape, images=2, toolchain="none", last="csim",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.differing == 0
    assert any(check.reference == "Brevitas" and check.layer for check in made.checks)
    assert any(check.candidate == "C-simulation" and check.layer is None for check in made.checks)


def test_channels_last_file(tmp_path):
    """A QONNX file whose nodes work channels last already, with Transposes at its ends and around Resize."""
    torch.manual_seed(2)
    net = QuantUNet(depth=1, base_channels=2)
    calibrate(net, torch.rand(2, 1, 8, 12))
    model = export_module(net.eval(), (1, 8, 12)).model
    to_first, to_last = (0, 3, 1, 2), (0, 2, 3, 1)
    nodes = []
    for node in model.graph.node:
        if node.op_type not in ("Conv", "MaxPool"):
            nodes.append(node)
            continue
        source, result = f"{node.name}_in", f"{node.name}_out"
        nodes.append(helper.make_node("Transpose", [node.input[0]], [source], f"{node.name}_before", perm=to_last))
        nodes.append(helper.make_node("Transpose", [result], [node.output[0]], f"{node.name}_after", perm=to_first))
        node.input[0], node.output[0], node.domain = source, result, CHANNELS_LAST
        if node.op_type == "Conv":
            weights = next(entry for entry in model.graph.node if node.input[1] in entry.output).input[0]
            entry = next(entry for entry in model.graph.initializer if entry.name == weights)
            array = np.frombuffer(entry.raw_data, np.float32).reshape(entry.dims).transpose(to_last)
            entry.CopyFrom(helper.make_tensor(weights, 1, array.shape, array.tobytes(), raw=True))
        nodes.insert(-1, node)
    del model.graph.node[:]
    del model.graph.value_info[:]
    model.graph.node.extend(nodes)
    model.opset_import.append(helper.make_opsetid(CHANNELS_LAST, 13))
    path = tmp_path / "channels last.onnx"
    path.write_bytes(model.SerializeToString())

    made = generate_accelerator(path, "pynq-z2", images=2, toolchain="none", last="csim",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.differing == 0
    from quantunet_hls.ingest import ingest, load_qonnx

    graph = ingest(load_qonnx(made.folder / "network.onnx"))
    assert all(node.op_type != "Transpose" for node in graph.model.graph.node)
    assert attribute(next(node for node in graph.model.graph.node if node.op_type == "Concat"), "axis") == 3
