"""QuantUNet: a U-Net that a streaming accelerator can compute exactly.

Ronneberger et al. (arXiv 1505.04597) with what hardware asks for: nearest
upsampling followed by a convolution, "same" padding, power-of-two scales, and
skip connections whose two branches share one activation quantizer, so that the
concatenation needs no arithmetic at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import torch
from brevitas.nn import QuantConv2d, QuantIdentity, QuantReLU
from brevitas.nn.utils import merge_bn
from torch import Tensor, nn

from quantunet_hls.core.decode import converted
from quantunet_hls.core.errors import ConfigurationError, shown
from quantunet_hls.nets.quantizers import (
    CALIBRATION_STEPS,
    activation_quantizer,
    bias_quantizer,
    input_quantizer,
    level_weight_quantizer,
    weight_quantizer,
)

__all__ = ["LayerWidths", "QuantUNet", "UNetConfig", "calibrate", "fold_batchnorm"]

#: Limits of what is built at all: an architecture may stand in somebody else's file.
_DEEPEST, _WIDEST = 8, 4096
_MOST_WEIGHTS = 1 << 27
_MOST_BITS, _MOST_INPUT_BITS = 64, 32
_UPSAMPLINGS = ("nearest", "bilinear")
_LEVELS = ("ternary", "binary")


def _check_whole(what: str, value: Any, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigurationError(f"{what} are a whole number from {least} to {most}, not {shown(value)}.")


@dataclass(frozen=True)
class LayerWidths:
    """Bit widths of one convolution and of the activation behind it.

    Attributes:
        weight: of a weight, sign included.
        activation: of an activation, which has no sign.
        bias: of a bias, at the accumulator's own step.
        weight_fraction: fixes the step of the weights to 2**-weight_fraction; None lets it follow the weights.
        activation_fraction: the same for the activations; None lets the training find the step.
        weight_levels: "ternary" for weights in {-a, 0, a}, "binary" for {-a, a}, with a power of two ``a`` for
            each filter; None for integers. Both take 2 bits in a fixed-point type.
    """

    weight: int = 4
    activation: int = 6
    bias: int = 16
    weight_fraction: int | None = None
    activation_fraction: int | None = None
    weight_levels: str | None = None

    def __post_init__(self) -> None:
        for name in ("weight", "activation", "bias"):
            _check_whole(f"Bits of a {name}", getattr(self, name), 1, _MOST_BITS)
        for name in ("weight", "activation"):
            if (fraction := getattr(self, f"{name}_fraction")) is not None:
                _check_whole(f"Fraction bits of a {name}", fraction, -_MOST_BITS, _MOST_BITS)
        if self.weight_levels is None:
            return
        if self.weight_levels not in _LEVELS:
            raise ConfigurationError(f"Weight levels are {' or '.join(_LEVELS)}, not {shown(self.weight_levels)}.")
        if self.weight != 2 or self.weight_fraction is not None:
            raise ConfigurationError(
                f"{self.weight_levels.capitalize()} weights take 2 bits and a scale of their own; "
                "set the weight's bits to 2 and no fraction."
            )


@dataclass(frozen=True)
class UNetConfig:
    """The architecture of a :class:`QuantUNet`, as it stands in a zoo card.

    ``widths`` holds for every layer that ``layer_widths`` does not name.
    A float baseline of the same shape has ``quantized=False``.

    ``channels`` gives each level's channels, from full size down to the middle
    (depth + 1 numbers); where it is empty, ``base_channels`` double at every level.
    ``upsampling`` is "nearest" or "bilinear". With ``up_convolution=False`` what is
    upsampled goes into the concatenation as it is, without a convolution of its own.
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
    channels: tuple[int, ...] = ()
    upsampling: str = "nearest"
    up_convolution: bool = True

    def __post_init__(self) -> None:
        for name, most in (("depth", _DEEPEST), ("base_channels", _WIDEST), ("in_channels", _WIDEST),
                           ("classes", _WIDEST)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                raise ConfigurationError(
                    f"A U-Net's {name} must be a whole number from 1 to {most}, not {shown(value)}."
                )
        _check_whole("Bits of the image's values", self.input_bits, 1, _MOST_INPUT_BITS)
        for name in ("quantized", "batch_norm", "up_convolution"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(f"A U-Net's {name} is true or false, not {shown(getattr(self, name))}.")
        if self.upsampling not in _UPSAMPLINGS:
            raise ConfigurationError(
                f"A U-Net's upsampling is {' or '.join(_UPSAMPLINGS)}, not {shown(self.upsampling)}."
            )
        if self.channels:
            self._check_channels()
        elif self.base_channels << self.depth > _WIDEST:
            raise ConfigurationError(
                f"A U-Net of depth {self.depth} and base {self.base_channels} would be "
                f"{self.base_channels << self.depth} channels wide; {_WIDEST} are the limit."
            )
        unknown = set(self.layer_widths) - set(self.layer_names)
        if unknown:
            raise ConfigurationError(
                f"layer_widths names {shown(sorted(map(str, unknown))[0])}, which this U-Net lacks; "
                f"its layers are {', '.join(self.layer_names)}."
            )
        from quantunet_hls.nets.sizes import layer_sizes  # which needs this class

        weights = sum(size.weights for size in layer_sizes(self, 1, 1).values())
        if weights > _MOST_WEIGHTS:
            raise ConfigurationError(
                f"This U-Net would have {weights:,} weights, and {_MOST_WEIGHTS:,} are the limit; make it less wide."
            )

    def _check_channels(self) -> None:
        whole = all(isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= _WIDEST
                    for count in self.channels)
        if not whole or len(self.channels) != self.depth + 1:
            raise ConfigurationError(
                f"A U-Net of depth {self.depth} has {self.depth + 1} numbers of channels, each from 1 to {_WIDEST}, "
                f"not {shown(list(self.channels))}."
            )
        if self.base_channels != self.channels[0]:
            raise ConfigurationError(
                f"base_channels is {self.base_channels} where the first of channels is {self.channels[0]}; "
                "give both the same."
            )

    def check_divides(self, height: int, width: int) -> None:
        """Whether images of this size in pixels can be halved as often as the depth says.

        Raises:
            ConfigurationError: where they can't.
        """
        step = 2**self.depth
        if height % step or width % step:
            raise ConfigurationError(
                f"This U-Net of depth {self.depth} takes heights and widths that are multiples of {step}, "
                f"not {height}x{width}; crop or pad the image."
            )

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels of every level, from full size to the middle."""
        return self.channels or tuple(self.base_channels << level for level in range(self.depth + 1))

    def level_of(self, layer: str) -> int:
        """How many times the image has been halved where this layer works."""
        if layer.startswith("mid"):
            return self.depth
        return 0 if layer == "head" else int("".join(filter(str.isdigit, layer)))

    def activation_owner(self, layer: str) -> str:
        """The layer whose activation quantizer this one uses: both branches of a concatenation have the skip's."""
        if self.up_convolution:
            return f"enc{self.level_of(layer)}b" if layer.startswith("up") else layer
        upsampled = layer == "midb" or (layer.startswith("dec") and layer.endswith("b") and layer != "dec0b")
        return f"enc{self.level_of(layer) - 1}b" if upsampled else layer

    def source_of(self, layer: str) -> str:
        """The layer whose activations this one reads; an empty name means the image."""
        names = self.layer_names
        before = names[names.index(layer) - 1] if layer != names[0] else ""
        return self.activation_owner(before) if before else ""

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the convolutions, from the input to the output (23 of them at depth 4)."""
        encoder = [f"enc{level}{half}" for level in range(self.depth) for half in "ab"]
        decoder = [f"{part}{level}{half}" for level in reversed(range(self.depth))
                   for part, half in (("up", ""), ("dec", "a"), ("dec", "b")) if part != "up" or self.up_convolution]
        return (*encoder, "mida", "midb", *decoder, "head")

    def widths_of(self, layer: str) -> LayerWidths:
        """Bit widths of the layer of that name."""
        return self.layer_widths.get(layer, self.widths)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {
            "layer_widths": {k: asdict(v) for k, v in self.layer_widths.items()}, "channels": list(self.channels),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> UNetConfig:
        """Inverse of :meth:`to_dict`.

        Raises:
            ConfigurationError: for a key or a value that no U-Net has.
        """
        return converted(cls, values, "This is no U-Net's architecture", "see UNetConfig")


class ConvBlock(nn.Module):
    """Convolution, optional BatchNorm, ReLU with its activation quantizer."""

    def __init__(self, config: UNetConfig, name: str, in_channels: int, out_channels: int,
                 shared: ConvBlock | None = None, learned: bool = False):
        super().__init__()
        self.conv = _convolution(config, name, in_channels, out_channels, kernel_size=3, learned=learned)
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
        """Same height and width, ``out_channels`` channels."""
        return self.relu(self.norm(self.conv(x)))


def _convolution(config: UNetConfig, name: str, in_channels: int, out_channels: int, kernel_size: int,
                 learned: bool) -> nn.Module:
    padding = kernel_size // 2
    if not config.quantized:
        return nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding)
    widths = config.widths_of(name)
    return QuantConv2d(
        in_channels, out_channels, kernel_size, padding=padding, bias=True,
        weight_quant=(
            level_weight_quantizer() if widths.weight_levels
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
        self.head = _convolution(config, "head", channels[0], config.classes, kernel_size=1, learned=learned)

    def _quantizer_of(self, layer: str) -> ConvBlock | None:
        """The block that lends this layer its activation quantizer, None where it has one of its own."""
        owner = self.config.activation_owner(layer)
        return None if owner == layer else self._block(owner)

    def convolution(self, layer: str) -> nn.Conv2d:
        """The convolution of the layer of that name."""
        return cast(nn.Conv2d, self.get_submodule(layer if layer == "head" else f"{layer}.conv"))

    def _block(self, name: str) -> ConvBlock:
        block = self.get_submodule(name)
        assert isinstance(block, ConvBlock)
        return block

    def _upsampled(self, x: Tensor, reader: str) -> Tensor:
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
