"""The typed network as data: layers of integers, with nothing left of the tool that they were read from.

A layer computes integers from the integers of its sources, and then passes them
through its stages, one after the other. A number is its integer code times
``2**-fraction`` of its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from quantunet_hls.ops.stages import Cast, LeakyRelu, Relu, Sigmoid, Threshold
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = [
    "ArgMax",
    "Cast",
    "Concatenation",
    "Convolution",
    "Input",
    "Layer",
    "LeakyRelu",
    "Padding",
    "Pointwise",
    "Pooling",
    "Relu",
    "Resize",
    "Shape",
    "Sides",
    "Sigmoid",
    "Stage",
    "Threshold",
    "TypedNetwork",
    "ZeroInsertion",
]

#: Height, width, channels.
Shape = tuple[int, int, int]
#: Rows above and below the image, columns left and right of it.
Sides = tuple[int, int, int, int]


#: What happens to each value by itself.
Stage = Cast | Relu | LeakyRelu | Sigmoid | Threshold


@dataclass(frozen=True, eq=False)
class Layer:
    """Common to all layers.

    Attributes:
        name: hls4ml's name.
        sources: names of the layers whose results it reads.
        shape: of its result.
        stages: what each of its values passes through, in order.
    """

    name: str
    sources: tuple[str, ...]
    shape: Shape
    stages: tuple[Stage, ...]


@dataclass(frozen=True, eq=False)
class Input(Layer):
    """Where images enter: real numbers, assigned to the port's type by the first stage."""


@dataclass(frozen=True, eq=False)
class Convolution(Layer):
    """Sums of products, kept in an accumulator that starts from the bias.

    Attributes:
        weights: codes (height, width, input channels, filters); (height, width, 1, channels) for a depthwise one.
        weight_fraction: fraction bits of the weights.
        bias: codes of the accumulator's type (filters).
        accumulator: type to which every product, and then every sum, is assigned.
        stride: rows and columns.
        padding: zeros around the image.
        depthwise: whether each channel has a kernel of its own.
        reuse: cycles that share a multiplier; decides the order in which products are added.
            None adds them in the order of the window.
    """

    weights: Integers
    weight_fraction: int
    bias: Integers
    accumulator: FixedType
    stride: tuple[int, int]
    padding: Sides
    depthwise: bool
    reuse: int | None


@dataclass(frozen=True, eq=False)
class Pooling(Layer):
    """Largest or mean value under windows.

    Attributes:
        window: rows and columns.
        stride: rows and columns.
        padding: around the image: zeros to a mean, below every value to a maximum.
        mean: whether it is the mean.
        accumulator: type to which every value, and then every sum, is assigned.
    """

    window: tuple[int, int]
    stride: tuple[int, int]
    padding: Sides
    mean: bool
    accumulator: FixedType


@dataclass(frozen=True, eq=False)
class Padding(Layer):
    """Zeros around the image."""

    padding: Sides


@dataclass(frozen=True, eq=False)
class Resize(Layer):
    """Every pixel repeated ``factor`` (rows, columns) times."""

    factor: tuple[int, int]


@dataclass(frozen=True, eq=False)
class ZeroInsertion(Layer):
    """Pixels ``factor`` (rows, columns) apart, zeros between and behind."""

    factor: tuple[int, int]


@dataclass(frozen=True, eq=False)
class ArgMax(Layer):
    """The channel with the largest value, the lowest one of several."""


@dataclass(frozen=True, eq=False)
class Concatenation(Layer):
    """The channels of all sources, in order; the stages hold for each source."""


@dataclass(frozen=True, eq=False)
class Pointwise(Layer):
    """Nothing but stages."""


@dataclass(frozen=True, eq=False)
class TypedNetwork:
    """A network whose every value is decided.

    Attributes:
        layers: each after its sources; the first is the :class:`Input`.
        output: name of the layer whose result is the network's.
    """

    layers: tuple[Layer, ...]
    output: str

    @cached_property
    def by_name(self) -> Mapping[str, Layer]:
        """Layers by name."""
        return {layer.name: layer for layer in self.layers}

    @property
    def input(self) -> Input:
        """The layer where images enter."""
        first = self.layers[0]
        assert isinstance(first, Input)
        return first

    def readers(self, name: str) -> tuple[Layer, ...]:
        """Layers that read this one's result."""
        return tuple(layer for layer in self.layers if name in layer.sources)
