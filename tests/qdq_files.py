"""Files as other tools write them: onnxruntime's static quantization, Brevitas's QCDQ export, PyTorch's PT2E."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from tests.linear import Qdq

__all__ = ["FloatUNet", "codes_of_file", "ort_file", "pt2e_net", "qcdq_file", "with_codes_as_outputs",
           "with_power_of_two_scales"]


class FloatUNet(nn.Module):
    """One level down and up: a batch normalization, a transposed convolution, a skip connection, a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU())
        self.low = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(4, 3, 2, stride=2)
        self.dec = nn.Sequential(nn.Conv2d(6, 3, 3, padding=1), nn.ReLU())
        self.side = nn.Conv2d(3, 3, 1)
        self.head = nn.Conv2d(3, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = self.enc(x)
        both = self.dec(torch.cat([self.up(self.low(skip)), skip], dim=1))
        return self.head(torch.relu(both + self.side(both)))


class _Images:
    """Calibration images, as onnxruntime asks for them."""

    def __init__(self, size: int):
        random = np.random.default_rng(1)
        self._images = iter([random.uniform(-0.3, 1, (1, 1, size, size)).astype(np.float32) for _ in range(3)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(({"x": image} for image in self._images), None)


def ort_file(folder: Path, size: int = 8, **settings: Any) -> Path:
    """A float U-Net that onnxruntime has quantized statically."""
    from onnxruntime.quantization import QuantFormat, quantize_static

    torch.manual_seed(0)
    net = FloatUNet().eval()
    source, result = folder / "float.onnx", folder / "quantized.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, torch.rand(1, 1, size, size), str(source), dynamo=False, opset_version=17,
                          input_names=["x"], output_names=["y"])
    quantize_static(str(source), str(result), _Images(size), quant_format=QuantFormat.QDQ, **settings)
    return result


def with_power_of_two_scales(file: Path) -> Path:
    """The same file with each scale at a power of two near it; what it computes is then another network."""
    model = onnx.load(file)
    scales = {name for node in model.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")
              for name in node.input[1:2]}
    for tensor in model.graph.initializer:
        if tensor.name in scales:
            exponents = np.rint(np.log2(numpy_helper.to_array(tensor)))
            tensor.CopyFrom(numpy_helper.from_array(np.exp2(exponents).astype(np.float32), tensor.name))
    path = file.with_name(f"{file.stem}_two.onnx")
    onnx.save(model, path)
    return path


def qcdq_file(net: nn.Module, folder: Path, size: int = 8) -> Path:
    """A Brevitas module in Brevitas's own QCDQ form."""
    from brevitas.export import export_onnx_qcdq

    path = folder / "qcdq.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export_onnx_qcdq(net, args=torch.rand(1, 1, size, size), export_path=str(path), dynamo=False)
    return path


def pt2e_net(seed: int = 0) -> Qdq:
    """A U-Net in the form that PyTorch's PT2E export has with its XNNPACK quantizer, after its documentation.

    Activations are int8 with a zero point, weights int8 a channel and symmetric within -127 to 127, biases float. What
    only moves values shares its observer with what it reads, and convolutions are quantized behind their ReLU.
    """
    net = Qdq((1, 1, 8, 8), seed=seed, opset=18)
    image = net.qdq("x", 0.00513, -61, np.int8)
    skip = _pt2e_conv(net, image, 3, 0.00731, -128)
    pooled = net.qdq(net.pool(skip), 0.00731, -128, np.int8)
    low = _pt2e_conv(net, pooled, 4, 0.0093, -128)
    up = net.qdq(net.resize(low), 0.0093, -128, np.int8)
    up = _pt2e_conv(net, up, 3, 0.00731, -128)
    joined = net.qdq(net.concat(up, skip), 0.00731, -128, np.int8)
    _pt2e_conv(net, joined, 2, 0.0121, 17, relu=False)
    return net


def _pt2e_conv(net: Qdq, source: str, filters: int, scale: float, zero: int, *, relu: bool = True) -> str:
    channels = net.shapes[source][1]
    scales = net.random.uniform(0.002, 0.004, filters).astype(np.float32)
    weights = net.dequantize(net.integers((filters, channels, 3, 3), -127, 127), scales, np.zeros(filters), np.int8,
                             axis=0)
    bias = net.constant(f"bias{len(net.nodes)}", net.random.uniform(-0.3, 0.3, filters))
    shape = (1, filters, *net.shapes[source][2:])
    value = net.add("Conv", [source, weights, bias], shape, kernel_shape=[3, 3], pads=[1] * 4)
    return net.qdq(net.relu(value) if relu else value, scale, zero, np.int8)


def codes_of_file(model: onnx.ModelProto) -> Iterator[tuple[str, str, str]]:
    """For each QuantizeLinear of an image: its codes, and the scale and zero point that it has."""
    constants = {entry.name for entry in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] not in constants:
            yield node.output[0], node.input[1], node.input[2]


def with_codes_as_outputs(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with the codes of its images among its outputs."""
    kinds = {entry.name: entry.data_type for entry in model.graph.initializer}
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.extend(helper.make_tensor_value_info(codes, kinds.get(zero, TensorProto.UINT8), None)
                              for codes, _, zero in codes_of_file(model))
    return shown
