"""Weights, values and multiplications of every layer, from the architecture alone."""

from __future__ import annotations

from dataclasses import dataclass

from quantunet_hls.nets.unet import UNetConfig

__all__ = ["LayerSize", "layer_sizes"]


@dataclass(frozen=True)
class LayerSize:
    """One convolution and what it puts out for one image.

    Attributes:
        kernel: rows and columns of its filters.
        inputs: channels in.
        outputs: channels out.
        height: rows of its output in pixels.
        width: columns.
    """

    kernel: int
    inputs: int
    outputs: int
    height: int
    width: int

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
        return self.weights * self.height * self.width


def layer_sizes(config: UNetConfig, height: int, width: int) -> dict[str, LayerSize]:
    """Sizes of all convolutions by name, in the order they run, for images of this size in pixels."""
    channels, sizes = config.level_channels, {}
    reads = config.in_channels
    for name in config.layer_names:
        level = config.level_of(name)
        writes = config.classes if name == "head" else channels[level]
        if name.startswith("dec") and name.endswith("a"):
            reads = channels[level] + (channels[level] if config.up_convolution else channels[level + 1])
        sizes[name] = LayerSize(
            kernel=1 if name == "head" else 3, inputs=reads, outputs=writes, height=height >> level,
            width=width >> level,
        )
        reads = writes
    return sizes
