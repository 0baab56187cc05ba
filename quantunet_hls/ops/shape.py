"""The one shape of an image: rows, columns, channels."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Shape", "Sides"]

#: Rows above and below the image, columns left and right of it.
Sides = tuple[int, int, int, int]


@dataclass(frozen=True)
class Shape:
    """Height and width in pixels, and channels."""

    height: int
    width: int
    channels: int

    @property
    def pixels(self) -> int:
        """Pixels of a frame."""
        return self.height * self.width

    @property
    def axes(self) -> tuple[int, int, int]:
        """Sizes of the axes, as an array has them."""
        return self.height, self.width, self.channels

    @property
    def values(self) -> int:
        """Values of a frame."""
        return self.pixels * self.channels

    def __str__(self) -> str:
        return f"{self.height} x {self.width} x {self.channels}"
