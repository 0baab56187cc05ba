"""Layers that look at their source through a sliding window, out of a line buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.actors import Actor, Parts, every
from quantunet_hls.ops.shape import Shape, Sides
from quantunet_hls.ops.streaming import PREFETCH, Staged, StreamLayer
from quantunet_hls.ops.window import Window
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["Windowed", "room_in"]

#: Clocks from the last word of a window to its beat on the stream, beside adder levels and stages:
#: line buffer, operands, product, accumulator, results' FIFO, the edge's FIFO.
_DATAPATH = 8

#: Registers of a stage behind the sums, about.
_STAGE = 2


@dataclass(frozen=True, eq=False)
class Windowed(Staged):
    """Common to all layers with a window.

    Attributes:
        input_shape, input_type: of the stream that comes in.
        window: that slides over it.
        slack: pixels that the line buffer holds beyond one window for a source that comes in bursts.
    """

    input_shape: Shape
    input_type: FixedType
    window: Window
    slack: int = field(default=2, kw_only=True)

    @property
    def fill(self) -> int:
        """Code that a tap in the padding reads."""
        return 0

    @property
    def parts(self) -> int:
        """Parts of a pixel's channels that windows are read in: all taps of one part, then those of the next."""
        return self.input_shape.channels // self.input_lanes

    @property
    def repeats(self) -> int:
        """Times that the line buffer gives each part of a window."""
        return 1

    @property
    def block_rows(self) -> int | None:
        """Rows of windows that are all given before they are repeated; None where each window is repeated by itself."""
        return None

    @property
    def beat_taps(self) -> tuple[int, int]:
        """Rows and columns of the window that a beat of the window generator brings."""
        return (1, 1)

    @property
    def window_beats(self) -> int:
        """Beats of the window generator that make a beat that goes out."""
        return self.window.taps

    @property
    def side_by_side(self) -> int:
        """Values of a beat that are added up."""
        return 1

    @property
    def spare(self) -> int:
        """Pixels that the line buffer holds beyond one window, so that neither source nor windows wait.

        Where the window jumps, the pixels that it will need behind the jump come in before it; where windows come in
        blocks of rows, those of the next block.
        """
        behind_jump = max(self.slack, self.window.jump(self.input_shape) + 1)
        return behind_jump + (self.block_rows or 0) * self.window.stride[0] * self.input_shape.width

    @property
    def reach(self) -> int:
        """Pixels from the first that a window, or a block of them, looks at to the last."""
        width, (down, across) = self.input_shape.width, self.window.stride
        behind = (self.block_rows - 1) * down * width + (self.shape.width - 1) * across if self.block_rows else 0
        return self.window.reach(width) + behind

    @property
    def burst(self) -> int:
        """As many as come while the window stands before a jump: then none come for as long."""
        return max(2, -(-self.window.jump(self.input_shape) * self.shape.pixels // self.input_shape.pixels) + 1)

    @property
    def buffered(self) -> bool:
        """Whether it has a line buffer: a pixel that is read once needs none."""
        return self.window != Window((1, 1)) or self.repeats != 1

    @property
    def cycles(self) -> int:
        """Clock cycles of a frame: a beat of the window generator a clock, and a word that comes in a clock."""
        arriving = self.input_shape.pixels * self.input_shape.channels // self.input_lanes
        return max(self.beats * self.window_beats, arriving)

    def check(self) -> None:
        """Refuse windows that have no line buffer."""
        super().check()
        window = self.window
        top, bottom, left, right = window.padding
        if min(window.output(self.input_shape)) < 1:
            raise IllegalGraphError(self.name, "its window is larger than the padded image", "use larger images")
        if max(top, bottom) >= window.span[0] or max(left, right) >= window.span[1]:
            raise IllegalGraphError(self.name, "a window lies in its padding alone", "put a padding before it")

    def taps(self, x: Integers) -> list[tuple[int, int, Integers]]:
        """(kernel row, kernel column, what that tap sees at every place of the window)."""
        window = self.window
        top, bottom, left, right = window.padding
        padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=self.fill)
        rows = (padded.shape[1] - window.span[0]) // window.stride[0] + 1
        columns = (padded.shape[2] - window.span[1]) // window.stride[1] + 1
        taps = []
        for row in range(window.kernel[0]):
            for column in range(window.kernel[1]):
                y, z = row * window.dilation[0], column * window.dilation[1]
                taps.append((row, column, padded[:, y: y + (rows - 1) * window.stride[0] + 1: window.stride[0],
                                                 z: z + (columns - 1) * window.stride[1] + 1: window.stride[1]]))
        return taps

    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """A firing for every beat that goes out."""
        shape, window = self.input_shape, self.window
        words = shape.channels // self.input_lanes
        passes = self.parts * self.repeats
        rows, columns = window.output(shape)
        top, left = window.padding[0], window.padding[2]
        row = np.repeat(np.arange(rows) * window.stride[0] - top, columns)
        column = np.tile(np.arange(columns) * window.stride[1] - left, rows)
        last = (_last_inside(row, 0, window, shape.height) * shape.width
                + _last_inside(column, 1, window, shape.width))
        first = row * shape.width + column
        # Where the padding is wide, the first tap may come back; what it has left behind is gone.
        kept = np.maximum.accumulate(first)
        following = np.append(kept[1:], max(kept[-1], first[0] + shape.pixels))
        of_passes = (np.arange(passes) // self.repeats + 1) * (words // self.parts) - 1

        if self.block_rows:
            # As if no result left a block before all of it was computed: later than it is, if for few clocks.
            blocks = (rows // self.block_rows, -1)
            last = np.repeat(last.reshape(blocks).max(axis=1), columns * self.block_rows)
            kept = np.repeat(kept.reshape(blocks)[:, 0], columns * self.block_rows)
            following = np.append(kept[1:], following[-1])

        def needed(start: int, behind: int) -> np.ndarray:
            return last[start:behind, None] * words + of_passes

        def released(start: int, behind: int) -> np.ndarray:
            found = np.repeat(kept[start:behind] * words, passes).reshape(-1, passes)
            found[:, -1] = following[start:behind] * words
            return found

        room = (self.reach + self.spare) * words
        if window == Window((1, 1)) and passes == 1:
            room = words + PREFETCH
        levels = (self.side_by_side - 1).bit_length()
        pixels, firings = len(row), len(row) * passes
        held = (self.block_rows or 0) * columns * passes * self.window_beats
        reading = self._reading(sources[0], Parts(pixels, passes, needed), Parts(pixels, passes, released), room)
        return Actor(self.name, (reading,), every(self.window_beats, firings), every(True, firings),
                     _DATAPATH + levels + _STAGE * len(self.stages) + held)


def room_in(kernel: tuple[int, int], dilation: tuple[int, int], own: Sides) -> Sides:
    """Zeros that a window can see around the image beside its own: no window may lie in them alone."""
    height, width = Window(kernel, dilation=dilation).span
    top, bottom, left, right = own
    return height - 1 - top, height - 1 - bottom, width - 1 - left, width - 1 - right


def _last_inside(first: np.ndarray, axis: int, window: Window, size: int) -> np.ndarray:
    """Row or column of each window's last tap that lies in the image."""
    step = window.dilation[axis]
    beyond = np.maximum(first + step * (window.kernel[axis] - 1) - (size - 1), 0)
    return first + step * (window.kernel[axis] - 1 - -(-beyond // step))
