"""Zeros around the image, or less of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.pointwise.layer import Pointwise
from quantunet_hls.ops.shape import Shape, Sides

__all__ = ["Padding", "Span", "spans"]


@dataclass(frozen=True)
class Span:
    """A walk along one axis, over all places that the image before or the image behind has.

    Attributes:
        before, behind: places that are added at either end; less than none cut as many off.
        size: of the image before.
    """

    before: int
    size: int
    behind: int

    @property
    def steps(self) -> int:
        """Of the walk."""
        return max(self.before, 0) + self.size + max(self.behind, 0)

    @property
    def reads(self) -> range:
        """The steps at which there is a place of the image before."""
        return range(max(self.before, 0), max(self.before, 0) + self.size)

    @property
    def writes(self) -> range:
        """The steps at which there is a place of the image behind."""
        return range(max(-self.before, 0), self.steps - max(-self.behind, 0))


def spans(shape: Shape, sides: Sides, channels: tuple[int, int], lanes: int = 1) -> tuple[Span, Span, Span]:
    """The walks over the rows, the columns and the channels of an image of this shape, so many channels a step."""
    top, bottom, left, right = sides
    first, last = channels
    return (Span(top, shape.height, bottom), Span(left, shape.width, right),
            Span(first // lanes, shape.channels // lanes, last // lanes))


@dataclass(frozen=True, eq=False)
class Padding(Layer):
    """Zeros around the image; less than none crops it.

    Attributes:
        padding: rows and columns that are added.
        channels: those that are added before the first and behind the last.
    """

    kind: ClassVar[str] = "padding"

    padding: Sides
    channels: tuple[int, int] = (0, 0)

    @property
    def only_adds(self) -> bool:
        """Whether it does nothing but put rows and columns of zeros around the image."""
        return min(self.padding) >= 0 and self.channels == (0, 0)

    def without_zeros(self, source: Layer) -> tuple[Layer, Sides] | None:
        """Its stages by themselves, and the zeros: these are zeros in every type."""
        if not self.only_adds:
            return None
        return Pointwise(self.name, self.sources, source.shape, self.stages), self.padding
