"""QuantUNet: a U-Net that a streaming accelerator can compute exactly.

Ronneberger et al. (arXiv 1505.04597) with what hardware asks for: "same" padding,
power-of-two scales, and skip connections whose two branches share one activation
quantizer, so that the concatenation needs no arithmetic at all. What upsamples is a
choice: a transposed convolution as theirs, or an interpolation, which a convolution follows.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from brevitas.nn import QuantConv2d, QuantConvTranspose2d, QuantIdentity, QuantReLU
from brevitas.nn.utils import merge_bn
from torch import Tensor, nn

from quantunet_hls.nets.config import UNetConfig
from quantunet_hls.nets.quantizers import (
    CALIBRATION_STEPS,
    activation_quantizer,
    bias_quantizer,
    input_quantizer,
    level_weight_quantizer,
    weight_quantizer,
)

__all__ = ["QuantUNet", "calibrate", "fold_batchnorm"]

class ConvBlock(nn.Module):
    """Convolution, transposed or not, optional BatchNorm, ReLU with its activation quantizer."""

    def __init__(self, config: UNetConfig, name: str, in_channels: int, out_channels: int,
                 shared: ConvBlock | None = None, learned: bool = False):
        super().__init__()
        self.conv = _convolution(config, name, in_channels, out_channels, learned)
        self.norm: nn.Module = nn.BatchNorm2d(out_channels) if config.batch_norm else nn.Identity()
        self.relu: nn.Module
        if shared is not None:
            # The same module, not a copy: both branches of a skip then keep one scale for ever.
            self.relu = shared.relu
        elif config.quantized:
            widths = config.widths_of(name)
            act_quant = activation_quantizer(
                widths.activation, fraction=widths.activation_fraction, learned=learned
            )
            self.relu = QuantReLU(act_quant=act_quant, return_quant_tensor=True)
        else:
            self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """``out_channels`` channels; a transposed convolution doubles height and width."""
        return self.relu(self.norm(self.conv(x)))


def _convolution(config: UNetConfig, name: str, in_channels: int, out_channels: int, learned: bool) -> nn.Module:
    kernel, transposed = config.kernel_of(name), config.transposed(name)
    # Without overlap, so that every value is one pixel's; or with the image's own size.
    place: dict[str, Any] = {"stride": kernel} if transposed else {"padding": kernel // 2}
    if not config.quantized:
        return (nn.ConvTranspose2d if transposed else nn.Conv2d)(in_channels, out_channels, kernel, **place)
    widths = config.widths_of(name)
    return (QuantConvTranspose2d if transposed else QuantConv2d)(
        in_channels, out_channels, kernel, **place, bias=True,
        weight_quant=(
            level_weight_quantizer(filter_axis=int(transposed)) if widths.weight_levels
            else weight_quantizer(widths.weight, fraction=widths.weight_fraction, learned=learned)
        ),
        bias_quant=bias_quantizer(widths.bias),
    )


class QuantUNet(nn.Module):
    """A U-Net from images to logits, quantized layer by layer.

    Input: float (batch, in_channels, height, width) in [0, 1]; height and width
    are multiples of 2**depth and need not be equal.
    Output: float logits (batch, classes, height, width); with one class, a logit
    above zero means foreground, with several the largest one wins.

    With ``learned_widths`` the widths of weights and activations are parameters that
    start at the architecture's; :func:`quantunet_hls.nets.settled` makes whole numbers of them.
    """

    def __init__(self, config: UNetConfig | None = None, *, learned_widths: bool = False, **settings: Any):
        super().__init__()
        self.config = config = config or UNetConfig(**settings)
        self.learned_widths = learned = learned_widths and config.quantized
        channels = config.level_channels
        self.inp: nn.Module = (
            QuantIdentity(act_quant=input_quantizer(config.input_bits), return_quant_tensor=True)
            if config.quantized else nn.Identity()
        )
        previous = config.in_channels
        for level, width in enumerate(channels[:-1]):
            self.add_module(f"enc{level}a", ConvBlock(config, f"enc{level}a", previous, width, learned=learned))
            self.add_module(f"enc{level}b", ConvBlock(config, f"enc{level}b", width, width, learned=learned))
            previous = width
        self.mida = ConvBlock(config, "mida", previous, channels[-1], learned=learned)
        self.midb = ConvBlock(
            config, "midb", channels[-1], channels[-1], shared=self._quantizer_of("midb"), learned=learned
        )
        for level in reversed(range(config.depth)):
            width, joined = channels[level], channels[level + 1]
            if config.up_convolution:
                name = f"up{level}"
                shared = self._quantizer_of(name)
                self.add_module(name, ConvBlock(config, name, joined, width, shared=shared, learned=learned))
                joined = width
            name = f"dec{level}a"
            self.add_module(name, ConvBlock(config, name, joined + width, width, learned=learned))
            name = f"dec{level}b"
            shared = self._quantizer_of(name)
            self.add_module(name, ConvBlock(config, name, width, width, shared=shared, learned=learned))
        self.head = _convolution(config, "head", channels[0], config.classes, learned)

    def _quantizer_of(self, layer: str) -> ConvBlock | None:
        """The block that lends this layer its activation quantizer, None where it has one of its own."""
        owner = self.config.activation_owner(layer)
        return None if owner == layer else self._block(owner)

    def convolution(self, layer: str) -> nn.Conv2d | nn.ConvTranspose2d:
        """The convolution of the layer of that name."""
        return cast(nn.Conv2d | nn.ConvTranspose2d, self.get_submodule(layer if layer == "head" else f"{layer}.conv"))

    def filters(self, layer: str) -> Tensor:
        """Its weights as (filters, channels, rows, columns), which may be changed in place."""
        weights = self.convolution(layer).weight
        return weights.transpose(0, 1) if self.config.transposed(layer) else weights

    def _block(self, name: str) -> ConvBlock:
        block = self.get_submodule(name)
        assert isinstance(block, ConvBlock)
        return block

    def _upsampled(self, x: Tensor, reader: str) -> Tensor:
        if self.config.upsampling == "transposed":
            # The layer that reads it does that.
            return x
        larger: Tensor = nn.functional.interpolate(
            getattr(x, "value", x) if self.config.upsampling == "bilinear" else x,
            scale_factor=2, mode=self.config.upsampling,
        )
        if self.config.upsampling == "nearest" or not self.config.quantized:
            return larger
        # A mean of neighbours is no value of the type; it goes through the quantizer that x came from once more.
        again: Tensor = self._block(self.config.source_of(reader)).relu(larger)
        return again

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch of images; shapes as for the class."""
        self.config.check_divides(*x.shape[-2:])
        block = self._block
        x = self.inp(x)
        skips = []
        for level in range(self.config.depth):
            x = block(f"enc{level}b")(block(f"enc{level}a")(x))
            skips.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = self.midb(self.mida(x))
        for level in reversed(range(self.config.depth)):
            up = self.config.up_convolution
            x = self._upsampled(x, f"up{level}" if up else f"dec{level}a")
            x = torch.cat([skips[level], block(f"up{level}")(x) if up else x], dim=1)
            x = block(f"dec{level}b")(block(f"dec{level}a")(x))
        return self.head(x)


def fold_batchnorm(net: QuantUNet) -> QuantUNet:
    """The same function without BatchNorm: a new net whose convolutions have taken it in.

    Exact up to float rounding for a float net. A quantized net's weights change
    before they are quantized, so its outputs move by quantization error: fold
    first, then train on (see :mod:`quantunet_hls.training`).
    """
    values = net.config.to_dict()
    folded = QuantUNet(UNetConfig.from_dict(values | {"batch_norm": False}))
    folded.train(net.training)
    state = {key: value for key, value in net.state_dict().items() if ".norm." not in key}
    folded.load_state_dict(state)
    if net.config.batch_norm:
        for name, block in net.named_children():
            if isinstance(block, ConvBlock):
                target = folded.get_submodule(name)
                assert isinstance(target, ConvBlock)
                merge_bn(target.conv, block.norm, output_channel_dim=int(net.config.transposed(name)))
    return folded


@torch.no_grad()
def calibrate(net: QuantUNet, images: Tensor) -> None:
    """Set every activation scale from what these images produce (shape as for the forward).

    Afterwards the scales are parameters: they no longer follow the batches.
    """
    was_training = net.training
    net.train()
    for _ in range(CALIBRATION_STEPS + 1):
        net(images)
    net.train(was_training)
