"""The window generator: a circular line buffer read by a loop nest of addresses.

How it works, and why so
    One RAM holds the last rows, ``lanes`` channels a word, written at the rate
    the stream comes in. One read port walks the taps of each window, one word a
    clock. Reading the buffer again for every pass of the matrix-vector unit
    (``repeats``) needs no second buffer for the replay, words only as wide as
    the multipliers are (SIMD), and no registers that hold a whole window: a
    3x3 window of 64 channels would be 3,456 flip-flops.

    All positions are counted in words, endlessly from frame to frame. For
    "same" padding the window's first tap (be it in the padding) moves by exactly
    one pixel a window, also from row to row and from frame to frame; so frames
    follow each other without a gap, and the buffer needs no more than one
    window's span and a few pixels.

    Padding is inside: a tap outside the image is read as zero (or as another
    constant), whatever lies at its address. Throughput: one beat a clock, so
    ``taps * channels / lanes * repeats`` clocks a window where a beat is (a part
    of) a tap, fewer where it is a column of the window or all of it.

    Taps that are read at once each have a copy of the RAM, with an address of
    their own. Whole windows come from two such buffers: the first gives the
    columns, the second, a few columns long, puts windows together.

The same loop nest, with other steps, repeats pixels and rows: :mod:`quantunet_hls.ops.upsample.unit`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from amaranth.hdl import C, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from quantunet_hls.ops.hardware.rom import packed_words
from quantunet_hls.ops.hardware.streams import connect, stream_in, stream_out
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.unit import Components
from quantunet_hls.ops.window import Window
from quantunet_hls.ops.windowed import Windowed

__all__ = ["LoopLevel", "StridedBuffer", "Tap", "WholeWindows", "WindowGenerator", "line_buffers"]


@dataclass(frozen=True)
class LoopLevel:
    """One loop of the nest: how often it runs, and what one turn adds.

    Attributes:
        count: turns.
        offset: words from the window's first tap, for loops inside a window.
        base: words that the window's first tap moves; what lies before it is overwritten.
        row, column: pixels that the tap moves, to know when it is in the padding.
    """

    count: int
    offset: int = 0
    base: int = 0
    row: int = 0
    column: int = 0


@dataclass(frozen=True)
class Tap:
    """One of the words that are read at once: how far it lies behind the first of them."""

    offset: int = 0
    row: int = 0
    column: int = 0


class StridedBuffer(wiring.Component):
    """A circular buffer whose words are read in the order of a loop nest, innermost loop first.

    Args:
        width: bits of a word.
        levels: the loops; those that move the base are the outermost ones.
        frame: words of a frame that comes in.
        padding: (top, left) pixels before the image, or None where no tap leaves it.
        fill: word that is read outside the image.
        image: (height, width, words a pixel) of what comes in.
        slack: words that the buffer holds beyond the farthest tap.
        taps: what is read at once, first tap in the lowest bits.
    """

    def __init__(self, width: int, levels: Sequence[LoopLevel], frame: int, image: tuple[int, int, int],
                 padding: tuple[int, int] | None, slack: int, taps: Sequence[Tap] = (Tap(),), fill: int = 0):
        self.fill = fill
        self.width, self.levels, self.frame, self.image, self.padding = width, tuple(levels), frame, image, padding
        self.taps = tuple(taps)
        self.farthest = sum(level.offset * (level.count - 1) for level in levels)
        self.depth = self.farthest + max(tap.offset for tap in taps) + 1 + slack
        super().__init__({"i": stream_in(width), "o": stream_out(width * len(self.taps))})

    def _turns(self) -> list[tuple[int, int, int, int]]:
        """What each level's next turn adds, its inner loops starting again: (offset, base, row, column).

        The last entry is the turn from one frame to the next.
        """
        turns = []
        offset = base = row = column = 0
        for level in self.levels:
            turns.append((level.offset - offset, level.base - base, level.row - row, level.column - column))
            offset += level.offset * (level.count - 1)
            base += level.base * (level.count - 1)
            row += level.row * (level.count - 1)
            column += level.column * (level.count - 1)
        turns.append((-offset, self.frame - base, -row, -column))
        return turns

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        _, width, words = self.image
        top, left = self.padding or (0, 0)
        before = (top * width + left) * words
        turns = self._turns()

        largest_base = max(abs(base) for _, base, _, _ in turns)
        held = Signal(signed((self.depth + largest_base).bit_length() + 1), init=before)
        wrote = self.i.valid & self.i.ready
        write_at = Signal(range(self.depth), init=before % self.depth)
        m.d.comb += self.i.ready.eq(held < self.depth)
        with m.If(wrote):
            m.d.sync += write_at.eq(Mux(write_at == self.depth - 1, 0, write_at + 1))

        step = Signal()
        chosen = partial(_chosen, m, self._turning(m, step))
        address_step = chosen([(offset + base) % self.depth for offset, base, _, _ in turns], "address_step")
        offset = Signal(range(self.farthest + 1))
        offset_step = chosen([turn[0] for turn in turns], "offset_step")
        base_step = chosen([turn[1] for turn in turns], "base_step")
        with m.If(step):
            m.d.sync += offset.eq(offset + offset_step)
        m.d.sync += held.eq(held + wrote - Mux(step, base_step, 0))

        advance = ~self.o.valid | self.o.ready
        outside = self._padding_tests(m, turns, chosen, step)
        there: list[Value] = []
        read_words: list[Value] = []
        for index, (tap, beyond) in enumerate(zip(self.taps, outside, strict=True)):
            m.submodules[f"lines_{index}" if index else "lines"] = lines = Memory(
                shape=self.width, depth=self.depth, init=[])
            write, read = lines.write_port(), lines.read_port(domain="sync")
            read_at = Signal(range(self.depth), name=f"read_at_{index}", init=tap.offset)
            ahead = Signal(range(2 * self.depth), name=f"ahead_{index}")
            was_outside = Signal(name=f"was_outside_{index}")
            m.d.comb += [
                write.addr.eq(write_at),
                write.data.eq(self.i.payload),
                write.en.eq(wrote),
                ahead.eq(read_at + address_step),
                read.addr.eq(read_at),
                read.en.eq(advance),
            ]
            with m.If(step):
                m.d.sync += read_at.eq(Mux(ahead >= self.depth, ahead - self.depth, ahead))
            with m.If(advance):
                m.d.sync += was_outside.eq(beyond)
            there.append(beyond | (offset + tap.offset < held))
            fill = C(self.fill, self.width)
            read_words.append(Mux(was_outside, fill, read.data) if self.padding else read.data)
        m.d.comb += [step.eq(advance & Cat(*there).all()), self.o.payload.eq(Cat(*read_words))]
        with m.If(advance):
            m.d.sync += self.o.valid.eq(step)
        return m

    def _turning(self, m: Module, step: Signal) -> list[Value]:
        """The loop counters: a level turns when every loop inside it is at its last turn; the frame comes last."""
        turning: list[Value] = []
        inner_last: Value = C(1, 1)
        for index, level in enumerate(self.levels):
            if level.count == 1:
                turning.append(C(0, 1))
                continue
            counter = Signal(range(level.count), name=f"loop_{index}")
            at_last = Signal(name=f"loop_{index}_last")
            m.d.comb += at_last.eq(counter == level.count - 1)
            turning.append(inner_last & ~at_last)
            with m.If(step & inner_last):
                m.d.sync += counter.eq(Mux(at_last, 0, counter + 1))
            inner_last = inner_last & at_last
        turning.append(inner_last)
        return turning

    def _padding_tests(self, m: Module, turns: Sequence[tuple[int, int, int, int]],
                       chosen: Callable[[Sequence[int], str], Signal], step: Signal) -> list[Value]:
        """For each tap: high where it lies outside the image; a negative position looks like a very large one."""
        if self.padding is None:
            return [C(0, 1)] * len(self.taps)
        outside: dict[tuple[str, int], Signal] = {}
        for axis, name in enumerate(("row", "column")):
            size, start = self.image[axis], self.padding[axis]
            moves = [turn[2 + axis] for turn in turns]
            move = chosen(moves, f"{name}_step")
            for behind in sorted({getattr(tap, name) for tap in self.taps}):
                bits = (size + start + behind + max(abs(move) for move in moves)).bit_length() + 1
                position = Signal(bits, init=(behind - start) % (1 << bits), name=f"{name}_{behind}")
                with m.If(step):
                    m.d.sync += position.eq(position + move)
                outside[name, behind] = beyond = Signal(name=f"{name}_{behind}_outside")
                m.d.comb += beyond.eq(position >= size)
        return [outside["row", tap.row] | outside["column", tap.column] for tap in self.taps]


def _chosen(m: Module, turning: Sequence[Value], values: Sequence[int], name: str) -> Signal:
    """The value that belongs to the level that turns now."""
    low, high = min(*values, 0), max(*values, 0)
    signal = Signal(range(low, high + 1), name=name)
    for turn, value in zip(turning, values, strict=True):
        with m.If(turn):
            m.d.comb += signal.eq(value)
    return signal


class WindowGenerator(StridedBuffer):
    """Windows of an image stream, a tap or a column of taps at a time.

    In: pixels of ``shape``, ``lanes`` channels a beat. Out: for each window in
    row-major order its taps row by row and of each tap all its beats,
    ``repeats`` times over; where a pixel has several ``parts``, this of its first
    part, then of its second; or, where ``columns``, its columns from left to
    right, each a beat of all taps from top to bottom. Where ``rows``, all windows of
    so many rows come once, and then again, ``repeats`` times over.

    The window is no larger than the padded image, and the padding on each side
    smaller than the window (:class:`~quantunet_hls.ops.streaming.StreamGraph` checks both).

    Args:
        parts: of a pixel's channels that are read one after the other; one where there are ``rows``.
        slack: pixels beyond one window's span.
        fill: code that every channel has outside the image.
        columns: beats of a window's column; ``lanes`` are then all channels.
    """

    def __init__(self, shape: Shape, bits: int, lanes: int, window: Window, *, repeats: int = 1,
                 parts: int = 1, columns: bool = False, slack: int = 2, fill: int = 0, rows: int | None = None):
        words = shape.channels // lanes
        height, width = window.output(shape)
        row_offset = window.dilation[0] * shape.width * words
        channels = LoopLevel(words // parts, offset=1)
        across = LoopLevel(window.kernel[1], offset=window.dilation[1] * words, column=window.dilation[1])
        down = LoopLevel(window.kernel[0], offset=row_offset, row=window.dilation[0])
        taps = [Tap()]
        inner = [channels, across, down]
        if columns:
            inner = [across]
            taps = [Tap(index * row_offset, index * window.dilation[0]) for index in range(window.kernel[0])]
        to_right, below = window.stride[1] * words, window.stride[0] * shape.width * words
        levels = [
            *inner,
            LoopLevel(repeats),
            LoopLevel(parts, offset=words // parts),
            LoopLevel(width, base=to_right, column=window.stride[1]),
            LoopLevel(height, base=below, row=window.stride[0]),
        ]
        if rows:
            levels = [
                *inner,
                LoopLevel(width, offset=to_right, column=window.stride[1]),
                LoopLevel(rows, offset=below, row=window.stride[0]),
                LoopLevel(repeats),
                LoopLevel(height // rows, base=rows * below, row=rows * window.stride[0]),
            ]
        super().__init__(
            lanes * bits, levels, frame=shape.pixels * words, image=(shape.height, shape.width, words),
            padding=(window.padding[0], window.padding[2]) if any(window.padding) else None, slack=slack * words,
            taps=taps, fill=packed_words(np.full((1, lanes), fill), bits)[0])


class WholeWindows(wiring.Component):
    """Windows of an image stream, one a beat, column by column and each column from top to bottom.

    In: pixels of ``shape``, a beat each. A window a clock, ``repeats`` times over.
    """

    def __init__(self, shape: Shape, bits: int, window: Window, *, repeats: int = 1, slack: int = 2):
        self.shape, self.bits, self.window, self.repeats, self.slack = shape, bits, window, repeats, slack
        super().__init__({"i": stream_in(shape.channels * bits),
                          "o": stream_out(shape.channels * bits * window.taps)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        shape, window = self.shape, self.window
        rows, columns = window.kernel
        left, right = window.padding[2:]
        height, width = window.output(shape)
        m.submodules.columns = vertical = WindowGenerator(
            shape, self.bits, shape.channels, window.columns, columns=True, slack=self.slack)
        m.submodules.windows = horizontal = StridedBuffer(
            rows * shape.channels * self.bits,
            [LoopLevel(self.repeats), LoopLevel(width, base=window.stride[1], column=window.stride[1]),
             LoopLevel(height, base=shape.width, row=1)],
            frame=height * shape.width, image=(height, shape.width, 1),
            padding=(0, left) if left or right else None,
            slack=window.across.jump(Shape(height, shape.width, 1)) + 1,
            taps=[Tap(index * window.dilation[1], 0, index * window.dilation[1]) for index in range(columns)])
        connect(m, self.i, vertical.i)
        connect(m, vertical.o, horizontal.i)
        connect(m, horizontal.o, self.o)
        return m


def line_buffers(layer: Windowed) -> Components:
    """What gives a layer its windows: nothing where it reads each pixel once."""
    if not layer.buffered:
        return {}
    rows, columns = layer.beat_taps
    if columns > 1:
        return {"window": WholeWindows(layer.input_shape, layer.input_type.width, layer.window,
                                       repeats=layer.repeats, slack=layer.spare)}
    return {"window": WindowGenerator(layer.input_shape, layer.input_type.width, layer.input_lanes, layer.window,
                                      repeats=layer.repeats, parts=layer.parts, columns=rows > 1,
                                      slack=layer.spare, fill=layer.fill, rows=layer.block_rows)}
