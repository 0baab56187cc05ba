"""Sums of products under windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.shape import Sides
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["Convolution"]


@dataclass(frozen=True, eq=False)
class Convolution(Layer):
    """Sums of products, kept in an accumulator that starts from the bias.

    Attributes:
        weights: codes (height, width, channels of a group, filters); the filters of a group stand side by side.
        weight_fraction: fraction bits of the weights.
        bias: codes of the accumulator's type (filters).
        accumulator: type to which every product, and then every sum, is assigned.
        stride: rows and columns.
        padding: zeros around the image.
        groups: of channels, each with as many filters of its own.
        reuse: cycles that share a multiplier; decides the order in which products are added.
            None adds them in the order of the window.
        dilation: rows and columns from one tap of the kernel to the next.
        strategy: hls4ml's, by which the C++ arranges the products.
        any_window: whether the C++ is this package's own loop, for any window and any groups.
    """

    kind: ClassVar[str] = "convolution"
    takes_stages: ClassVar[bool] = True

    weights: Integers
    weight_fraction: int
    bias: Integers
    accumulator: FixedType
    stride: tuple[int, int]
    padding: Sides
    groups: int
    reuse: int | None
    dilation: tuple[int, int] = (1, 1)
    strategy: str = "latency"
    any_window: bool = False

    @property
    def depthwise(self) -> bool:
        """Whether each channel has one kernel of its own."""
        return self.groups > 1 and self.groups == self.weights.shape[3] and self.weights.shape[2] == 1

    def with_zeros(self, sides: Sides) -> Convolution:
        """The same convolution with so much more padding."""
        top, bottom, left, right = (own + more for own, more in zip(self.padding, sides, strict=True))
        return replace(self, padding=(top, bottom, left, right))
