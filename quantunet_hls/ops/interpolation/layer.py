"""Pixels between pixels, along one axis: bilinear upsampling is this along the rows and then along the columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.network import Layer
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["Interpolation", "Places"]


@dataclass(frozen=True)
class Places:
    """Where the pixels that go out lie between those that come in, along one axis.

    Pixel ``x`` of them lies ``(start + x * step) / parts`` pixels behind the first that comes in. What lies before
    that one or behind the last has the value of this one.

    Attributes:
        pixels: that come in.
        size: pixels that go out; the last lies at the last that comes in, or behind it by less than one.
        start: more than ``-parts``, and no more than 0.
        step: at most ``parts``, so that none that comes in is skipped.
        parts: of the distance between two pixels.
    """

    pixels: int
    size: int
    start: int
    step: int
    parts: int

    def between(self) -> tuple[Integers, Integers, Integers]:
        """For each pixel that goes out the one before it, the one behind it, and how many parts it has of that."""
        place = self.start + self.step * np.arange(self.size)
        before, weight = np.divmod(place, self.parts)
        return np.maximum(before, 0), np.minimum(before + 1, self.pixels - 1), weight


@dataclass(frozen=True, eq=False)
class Interpolation(Layer):
    """Each pixel between two that come in, one above or beside the other.

    Of a pixel ``weight`` parts away from ``before``, of ``parts`` that lie between this and ``behind``, the value is
    ``((parts - weight) * before + weight * behind) / divisor``.

    Attributes:
        axis: 0 for rows above one another, 1 for columns beside one another.
        places: along it.
        divisor: ``parts`` where the result has the size of what comes in. Bilinear upsampling, whose rows come first,
            divides the columns by both where one number of parts is no power of two.
        accumulator: type to which the sum is assigned before it is divided by a divisor that is no power of two;
            divided by one, it is assigned to it with so many more fraction bits.
    """

    kind: ClassVar[str] = "interpolation"
    takes_stages: ClassVar[bool] = True

    axis: int
    places: Places
    divisor: int
    accumulator: FixedType
