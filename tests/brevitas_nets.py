"""Brevitas nets with layers that the zoo's U-Nets lack, and what a network may end in behind its logits."""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFixedPoint, Int8WeightPerTensorFloat
from brevitas.quant.fixed_point import Int8WeightPerChannelFixedPoint
from torch import nn

from quantunet_hls.nets.quantizers import (
    CALIBRATION_STEPS,
    activation_quantizer,
    bias_quantizer,
    input_quantizer,
    weight_quantizer,
)

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


class DefaultQuantizers(nn.Module):
    """A U-Net of two levels with Brevitas's own quantizers: float scales, float biases, normalization unfolded."""

    def __init__(self, activation: str = "relu", bits: int = 4, weights: type = Int8WeightPerTensorFloat) -> None:
        super().__init__()

        def block(channels: int, filters: int) -> nn.Sequential:
            layers = [qnn.QuantConv2d(channels, filters, 3, padding=1, bias=True, weight_bit_width=bits,
                                      weight_quant=weights), nn.BatchNorm2d(filters)]
            if activation == "relu":
                return nn.Sequential(*layers, qnn.QuantReLU(bit_width=bits))
            return nn.Sequential(*layers, nn.PReLU(filters), qnn.QuantIdentity(bit_width=bits))

        self.port = qnn.QuantIdentity(bit_width=8)
        self.down, self.pool, self.low = block(1, 3), nn.MaxPool2d(2), block(3, 4)
        self.up, self.joined, self.last = nn.Upsample(scale_factor=2), qnn.QuantIdentity(bit_width=bits), block(7, 3)
        self.head = qnn.QuantConv2d(3, 2, 1, bias=True, weight_bit_width=bits, weight_quant=weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        down = self.down(self.port(x))
        up = self.up(self.low(self.pool(down)))
        return self.head(self.last(self.joined(torch.cat([down, up], 1))))


class DefaultResidual(nn.Module):
    """A residual block with Brevitas's own quantizers: an accumulator meets a skip or another accumulator.

    With ``levels`` "own" or "shared" quantizers of 8 bits stand in front of the sum.
    """

    def __init__(self, *, shortcut: bool, bits: int, levels: str = "") -> None:
        super().__init__()

        def sums(channels: int, kernel: int) -> nn.Sequential:
            return nn.Sequential(qnn.QuantConv2d(channels, 3, kernel, padding=kernel // 2, bias=False,
                                                 weight_bit_width=bits),
                                 nn.BatchNorm2d(3))

        self.port, self.stem, self.relu = qnn.QuantIdentity(), sums(1, 3), qnn.QuantReLU(bit_width=bits)
        self.branch, self.skip = sums(3, 3), sums(3, 1) if shortcut else nn.Identity()
        one = qnn.QuantIdentity() if levels else nn.Identity()
        self.one, self.other = one, qnn.QuantIdentity() if levels == "own" else one
        self.joined, self.head = qnn.QuantReLU(bit_width=bits), qnn.QuantConv2d(3, 2, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stem = self.relu(self.stem(self.port(x)))
        return self.head(self.joined(self.one(self.branch(stem)) + self.other(self.skip(stem))))


def default_quantizers(seed: int = 0, **settings: object) -> nn.Module:
    """A U-Net with random weights, scales and statistics of random images."""
    torch.manual_seed(seed)
    return settled(DefaultQuantizers(**settings))


def default_residual(seed: int = 0, **settings: object) -> nn.Module:
    """A residual block of the same kind."""
    torch.manual_seed(seed)
    return settled(DefaultResidual(**settings))


def settled(net: nn.Module) -> nn.Module:
    """It with factors of normalization of either sign, and scales and statistics of random images."""
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, -1.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
        if isinstance(part, nn.PReLU):
            nn.init.uniform_(part.weight, -0.3, 1.3)
    for _ in range(3):
        net.train()(torch.rand(4, 1, 12, 16))
    return net.eval()


class Mask(nn.Module):
    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return (torch.sigmoid(logits) > 0.5).float()


class Classes(nn.Module):
    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return torch.argmax(logits, dim=1)
