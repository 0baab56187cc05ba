"""QuantUNet: a U-Net that a streaming accelerator can compute exactly.

Ronneberger et al. (arXiv 1505.04597) with what hardware asks for: nearest
upsampling followed by a convolution, "same" padding, power-of-two scales, and
skip connections whose two branches share one activation quantizer, so that the
concatenation needs no arithmetic at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from brevitas.nn import QuantConv2d, QuantIdentity, QuantReLU
from brevitas.nn.utils import merge_bn
from torch import Tensor, nn

from quantunet_hls.errors import ConfigurationError
from quantunet_hls.nets.quantizers import (
    CALIBRATION_STEPS,
    activation_quantizer,
    bias_quantizer,
    input_quantizer,
    weight_quantizer,
)

__all__ = ["LayerWidths", "QuantUNet", "UNetConfig", "calibrate", "fold_batchnorm"]

#: Limits of what is built at all: an architecture may stand in somebody else's file.
_DEEPEST, _WIDEST = 8, 4096


@dataclass(frozen=True)
class LayerWidths:
    """Bit widths of one convolution and of the activation behind it."""

    weight: int = 4
    activation: int = 6
    bias: int = 16


@dataclass(frozen=True)
class UNetConfig:
    """The architecture of a :class:`QuantUNet`, as it stands in a zoo card.

    ``widths`` holds for every layer that ``layer_widths`` does not name.
    A float baseline of the same shape has ``quantized=False``.
    """

    depth: int = 3
    base_channels: int = 8
    in_channels: int = 1
    classes: int = 1
    widths: LayerWidths = LayerWidths()
    layer_widths: Mapping[str, LayerWidths] = field(default_factory=dict)
    input_bits: int = 8
    quantized: bool = True
    batch_norm: bool = False

    def __post_init__(self) -> None:
        for name, most in (("depth", _DEEPEST), ("base_channels", _WIDEST), ("in_channels", _WIDEST),
                           ("classes", _WIDEST)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                raise ConfigurationError(
                    f"A U-Net's {name} must be a whole number from 1 to {most}, not {value!r}."
                )
        if self.base_channels << self.depth > _WIDEST:
            raise ConfigurationError(
                f"A U-Net of depth {self.depth} and base {self.base_channels} would be "
                f"{self.base_channels << self.depth} channels wide; {_WIDEST} are the limit."
            )
        unknown = set(self.layer_widths) - set(self.layer_names)
        if unknown:
            raise ConfigurationError(
                f"layer_widths names {sorted(unknown)[0]!r}, which this U-Net lacks; "
                f"its layers are {', '.join(self.layer_names)}."
            )

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the convolutions, from the input to the output (23 of them at depth 4)."""
        encoder = [f"enc{level}{half}" for level in range(self.depth) for half in "ab"]
        decoder = [f"{part}{level}{half}" for level in reversed(range(self.depth))
                   for part, half in (("up", ""), ("dec", "a"), ("dec", "b"))]
        return (*encoder, "mida", "midb", *decoder, "head")

    def widths_of(self, layer: str) -> LayerWidths:
        """Bit widths of the layer of that name."""
        return self.layer_widths.get(layer, self.widths)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"layer_widths": {k: asdict(v) for k, v in self.layer_widths.items()}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> UNetConfig:
        """Inverse of :meth:`to_dict`.

        Raises:
            ConfigurationError: for a key or a value that no U-Net has.
        """
        try:
            rest = dict(values)
            widths = LayerWidths(**rest.pop("widths", {}))
            layer_widths = {k: LayerWidths(**v) for k, v in rest.pop("layer_widths", {}).items()}
            return cls(widths=widths, layer_widths=layer_widths, **rest)
        except (TypeError, AttributeError, ValueError) as error:
            raise ConfigurationError(f"The U-Net's architecture can't be read ({error}); see UNetConfig.") from error


class ConvBlock(nn.Module):
    """Convolution, optional BatchNorm, ReLU with its activation quantizer."""

    def __init__(self, config: UNetConfig, name: str, in_channels: int, out_channels: int,
                 shared: ConvBlock | None = None):
        super().__init__()
        self.conv = _convolution(config, name, in_channels, out_channels, kernel_size=3)
        self.norm: nn.Module = nn.BatchNorm2d(out_channels) if config.batch_norm else nn.Identity()
        self.relu: nn.Module
        if shared is not None:
            # The same module, not a copy: both branches of a skip then keep one scale for ever.
            self.relu = shared.relu
        elif config.quantized:
            act_quant = activation_quantizer(config.widths_of(name).activation)
            self.relu = QuantReLU(act_quant=act_quant, return_quant_tensor=True)
        else:
            self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Same height and width, ``out_channels`` channels."""
        return self.relu(self.norm(self.conv(x)))


def _convolution(config: UNetConfig, name: str, in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    padding = kernel_size // 2
    if not config.quantized:
        return nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding)
    widths = config.widths_of(name)
    return QuantConv2d(
        in_channels, out_channels, kernel_size, padding=padding, bias=True,
        weight_quant=weight_quantizer(widths.weight),
        bias_quant=bias_quantizer(widths.bias),
    )


class QuantUNet(nn.Module):
    """A U-Net from images to logits, quantized layer by layer.

    Input: float (batch, in_channels, height, width) in [0, 1]; height and width
    are multiples of 2**depth and need not be equal.
    Output: float logits (batch, classes, height, width); with one class, a logit
    above zero means foreground, with several the largest one wins.
    """

    def __init__(self, config: UNetConfig | None = None, **settings: Any):
        super().__init__()
        self.config = config = config or UNetConfig(**settings)
        channels = [config.base_channels * 2**level for level in range(config.depth + 1)]
        self.inp: nn.Module = (
            QuantIdentity(act_quant=input_quantizer(config.input_bits), return_quant_tensor=True)
            if config.quantized else nn.Identity()
        )
        previous = config.in_channels
        for level, width in enumerate(channels[:-1]):
            self.add_module(f"enc{level}a", ConvBlock(config, f"enc{level}a", previous, width))
            self.add_module(f"enc{level}b", ConvBlock(config, f"enc{level}b", width, width))
            previous = width
        self.mida = ConvBlock(config, "mida", previous, channels[-1])
        self.midb = ConvBlock(config, "midb", channels[-1], channels[-1])
        for level in reversed(range(config.depth)):
            width = channels[level]
            skip = self.get_submodule(f"enc{level}b")
            assert isinstance(skip, ConvBlock)
            self.add_module(f"up{level}", ConvBlock(config, f"up{level}", 2 * width, width, shared=skip))
            self.add_module(f"dec{level}a", ConvBlock(config, f"dec{level}a", 2 * width, width))
            self.add_module(f"dec{level}b", ConvBlock(config, f"dec{level}b", width, width))
        self.head = _convolution(config, "head", channels[0], config.classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch of images; shapes as for the class."""
        height, width = x.shape[-2:]
        step = 2**self.config.depth
        if height % step or width % step:
            raise ConfigurationError(
                f"This U-Net of depth {self.config.depth} takes heights and widths that are multiples of {step}, "
                f"not {height}x{width}; crop or pad the image."
            )
        block = self.get_submodule
        x = self.inp(x)
        skips = []
        for level in range(self.config.depth):
            x = block(f"enc{level}b")(block(f"enc{level}a")(x))
            skips.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = self.midb(self.mida(x))
        for level in reversed(range(self.config.depth)):
            x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
            x = torch.cat([skips[level], block(f"up{level}")(x)], dim=1)
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
                merge_bn(target.conv, block.norm)
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
