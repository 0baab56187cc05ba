"""Brevitas nets with layers that the zoo's U-Nets lack, and what a network may end in behind its logits."""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFixedPoint
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


class Mask(nn.Module):
    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return (torch.sigmoid(logits) > 0.5).float()


class Classes(nn.Module):
    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return torch.argmax(logits, dim=1)
