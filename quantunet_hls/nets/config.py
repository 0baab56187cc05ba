"""What a :class:`~quantunet_hls.nets.unet.QuantUNet` is: its shape, and the bit widths of every layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from quantunet_hls.core.decode import converted
from quantunet_hls.core.errors import ConfigurationError, shown

__all__ = ["LayerWidths", "UNetConfig"]

#: Limits of what is built at all: an architecture may stand in somebody else's file.
_DEEPEST, _WIDEST = 8, 4096
_MOST_WEIGHTS = 1 << 27
_MOST_BITS, _MOST_INPUT_BITS = 64, 32
_UPSAMPLINGS = ("nearest", "bilinear", "transposed")
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
    """The architecture of a :class:`~quantunet_hls.nets.unet.QuantUNet`, as it stands in a zoo card.

    ``widths`` holds for every layer that ``layer_widths`` does not name.
    A float baseline of the same shape has ``quantized=False``.

    ``channels`` gives each level's channels, from full size down to the middle
    (depth + 1 numbers); where it is empty, ``base_channels`` double at every level.
    ``upsampling`` is "nearest" or "bilinear", with a 3x3 convolution behind it, or "transposed",
    a transposed 2x2 convolution of stride 2 in their place. With ``up_convolution=False`` what
    is upsampled goes into the concatenation as it is, without a convolution of its own.
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
        if self.upsampling == "transposed" and not self.up_convolution:
            raise ConfigurationError(
                "A U-Net's transposed convolutions are its up-convolutions; leave up_convolution true, or upsample "
                "nearest or bilinear."
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

    def transposed(self, layer: str) -> bool:
        """Whether this layer is a transposed convolution, whose weights are (channels, filters, rows, columns)."""
        return self.upsampling == "transposed" and layer.startswith("up")

    def kernel_of(self, layer: str) -> int:
        """Rows and columns of this layer's filters."""
        return 1 if layer == "head" else 2 if self.transposed(layer) else 3

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
