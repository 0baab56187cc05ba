"""Weights, values and multiplications of every layer, from the architecture alone."""

from __future__ import annotations

from dataclasses import dataclass

from quantunet_hls.core.errors import ConfigurationError, shown
from quantunet_hls.nets.config import UNetConfig

__all__ = ["MOST_VALUES", "LayerSize", "check_image_size", "layer_sizes", "state_bytes", "values_of"]

_LARGEST_SIDE = 1 << 16
#: Most values that the layers may put out for one image. The executors that are compared hold each of them in eight
#: bytes, several times over.
MOST_VALUES = 1 << 28


@dataclass(frozen=True)
class LayerSize:
    """One convolution and what it puts out for one image.

    Attributes:
        kernel: rows and columns of its filters.
        inputs: channels in.
        outputs: channels out.
        height: rows of its output in pixels.
        width: columns.
        overlap: taps of a filter that meet pixels where it stands; of a transposed convolution without overlap one.
    """

    kernel: int
    inputs: int
    outputs: int
    height: int
    width: int
    overlap: int

    @property
    def weights(self) -> int:
        """Weights, without biases."""
        return self.kernel**2 * self.inputs * self.outputs

    @property
    def values(self) -> int:
        """Values that it puts out."""
        return self.outputs * self.height * self.width

    @property
    def macs(self) -> int:
        """Multiplications."""
        return self.overlap * self.inputs * self.values


def layer_sizes(config: UNetConfig, height: int, width: int) -> dict[str, LayerSize]:
    """Sizes of all convolutions by name, in the order they run, for images of this size in pixels."""
    channels, sizes = config.level_channels, {}
    reads = config.in_channels
    for name in config.layer_names:
        level, kernel = config.level_of(name), config.kernel_of(name)
        writes = config.classes if name == "head" else channels[level]
        if name.startswith("dec") and name.endswith("a"):
            reads = channels[level] + (channels[level] if config.up_convolution else channels[level + 1])
        sizes[name] = LayerSize(
            kernel=kernel, inputs=reads, outputs=writes, height=height >> level, width=width >> level,
            overlap=1 if config.transposed(name) else kernel**2,
        )
        reads = writes
    return sizes


def values_of(config: UNetConfig, height: int, width: int) -> int:
    """Values that all layers put out for one image, the image itself included."""
    return config.in_channels * height * width + sum(
        size.values for size in layer_sizes(config, height, width).values()
    )


def check_image_size(config: UNetConfig, height: int, width: int) -> None:
    """Refuse images of a size at which the layers' values would take more memory than is taken here.

    Raises:
        ConfigurationError: for such a size, or for what is no size at all.
    """
    for name, side in (("height", height), ("width", width)):
        if not isinstance(side, int) or isinstance(side, bool) or not 1 <= side <= _LARGEST_SIDE:
            raise ConfigurationError(
                f"An image's {name} is a whole number of pixels from 1 to {_LARGEST_SIDE:,}, not {shown(side)}."
            )
    values = values_of(config, height, width)
    if values > MOST_VALUES:
        raise ConfigurationError(
            f"On images of {height}x{width} pixels this U-Net's layers put out {values:,} values, and {MOST_VALUES:,} "
            "are the limit; build it for smaller images, into which larger ones are cut."
        )


def state_bytes(config: UNetConfig) -> int:
    """Bytes that a state dict of this U-Net stays below: weights, biases, BatchNorm, and what its quantizers hold."""
    sizes = layer_sizes(config, 1, 1).values()
    return sum(4 * size.weights + 64 * size.outputs + 1024 for size in sizes)
