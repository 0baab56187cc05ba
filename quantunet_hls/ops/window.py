"""Where a sliding window looks."""

from __future__ import annotations

from dataclasses import dataclass

from quantunet_hls.ops.shape import Shape

__all__ = ["Window"]


@dataclass(frozen=True)
class Window:
    """What a sliding window is: (height, width) each, and zero padding (top, bottom, left, right)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)

    @property
    def span(self) -> tuple[int, int]:
        """Rows and columns of the image from a window's first tap to its last."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))  # type: ignore[return-value]

    def reach(self, width: int) -> int:
        """Pixels of an image of this width, row by row, from a window's first tap to its last, both included."""
        return (self.span[0] - 1) * width + self.span[1]

    def jump(self, shape: Shape) -> int:
        """Pixels that the window's first tap moves at once on an image of this shape, at most.

        Between two windows of a row it moves by the stride. It moves farther from row to row where windows skip
        rows, and from frame to frame where the end of a frame is in no window.
        """
        rows, columns = self.output(shape)
        below, across = self.stride[0] * shape.width, self.stride[1]
        to_next_row = below - (columns - 1) * across
        to_next_frame = shape.pixels - (rows - 1) * below - (columns - 1) * across
        return max(across if columns > 1 else 0, to_next_row if rows > 1 else 0, to_next_frame)

    def output(self, shape: Shape) -> tuple[int, int]:
        """Height and width of what the window yields on an image of this shape."""
        top, bottom, left, right = self.padding
        return ((shape.height + top + bottom - self.span[0]) // self.stride[0] + 1,
                (shape.width + left + right - self.span[1]) // self.stride[1] + 1)

    @property
    def taps(self) -> int:
        """Pixels under the window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def columns(self) -> Window:
        """The same window a column wide, over all columns of the image."""
        return Window((self.kernel[0], 1), (self.stride[0], 1), (*self.padding[:2], 0, 0), (self.dilation[0], 1))

    @property
    def across(self) -> Window:
        """The window that puts such columns together."""
        return Window((1, self.kernel[1]), (1, self.stride[1]), (0, 0, *self.padding[2:]), (1, self.dilation[1]))
