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

    Zero padding is inside: a tap outside the image is read as zero, whatever
    lies at its address. Throughput: one tap a clock, so
    ``taps * channels / lanes * repeats`` clocks a window.

The same loop nest, with other steps, repeats pixels and rows: :class:`UpsampleUnit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import C, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from quantunet_hls.rtl.components.streams import stream_in, stream_out
from quantunet_hls.rtl.graph import Shape, Window

__all__ = ["LoopLevel", "StridedBuffer", "UpsampleUnit", "WindowGenerator"]


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


class StridedBuffer(wiring.Component):
    """A circular buffer whose words are read in the order of a loop nest, innermost loop first.

    Args:
        width: bits of a word.
        levels: the loops; those that move the base are the outermost ones.
        frame: words of a frame that comes in.
        padding: (top, left) pixels before the image, or None where no tap leaves it.
        image: (height, width, words a pixel) of what comes in.
        slack: words that the buffer holds beyond the farthest tap.
    """

    def __init__(self, width: int, levels: Sequence[LoopLevel], frame: int, image: tuple[int, int, int],
                 padding: tuple[int, int] | None, slack: int):
        self.width, self.levels, self.frame, self.image, self.padding = width, tuple(levels), frame, image, padding
        self.farthest = sum(level.offset * (level.count - 1) for level in levels)
        self.depth = self.farthest + 1 + slack
        super().__init__({"i": stream_in(width), "o": stream_out(width)})

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

        m.submodules.lines = lines = Memory(shape=self.width, depth=self.depth, init=[])
        write, read = lines.write_port(), lines.read_port(domain="sync")

        largest_base = max(abs(base) for _, base, _, _ in turns)
        held = Signal(signed((self.depth + largest_base).bit_length() + 1), init=before)
        wrote = self.i.valid & self.i.ready
        write_at = Signal(range(self.depth), init=before % self.depth)
        m.d.comb += [
            self.i.ready.eq(held < self.depth),
            write.addr.eq(write_at),
            write.data.eq(self.i.payload),
            write.en.eq(wrote),
        ]
        with m.If(wrote):
            m.d.sync += write_at.eq(Mux(write_at == self.depth - 1, 0, write_at + 1))

        # The loop counters: a level turns when every loop inside it is at its last turn.
        step = Signal()
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

        def chosen(values: Sequence[int], name: str) -> Signal:
            """The value that belongs to the level that turns now."""
            low, high = min(*values, 0), max(*values, 0)
            signal = Signal(range(low, high + 1), name=name)
            for turn, value in zip(turning, values, strict=True):
                with m.If(turn):
                    m.d.comb += signal.eq(value)
            return signal

        read_at = Signal(range(self.depth))
        address_step = chosen([(offset + base) % self.depth for offset, base, _, _ in turns], "address_step")
        ahead = Signal(range(2 * self.depth))
        m.d.comb += ahead.eq(read_at + address_step)
        offset = Signal(range(self.farthest + 1))
        offset_step = chosen([turn[0] for turn in turns], "offset_step")
        base_step = chosen([turn[1] for turn in turns], "base_step")
        with m.If(step):
            m.d.sync += [
                read_at.eq(Mux(ahead >= self.depth, ahead - self.depth, ahead)),
                offset.eq(offset + offset_step),
            ]
        m.d.sync += held.eq(held + wrote - Mux(step, base_step, 0))

        outside = self._padding_test(m, turns, chosen, step)
        advance = ~self.o.valid | self.o.ready
        m.d.comb += [
            step.eq(advance & (outside | (offset < held))),
            read.addr.eq(read_at),
            read.en.eq(advance),
        ]
        was_outside = Signal()
        with m.If(advance):
            m.d.sync += [self.o.valid.eq(step), was_outside.eq(outside)]
        m.d.comb += self.o.payload.eq(Mux(was_outside, 0, read.data) if self.padding else read.data)
        return m

    def _padding_test(self, m: Module, turns: Sequence[tuple[int, int, int, int]], chosen: Any, step: Signal) -> Value:
        """High where the tap lies outside the image; a negative position looks like a very large one."""
        if self.padding is None:
            return C(0, 1)
        outside: Value = C(0, 1)
        for axis, (size, start) in enumerate(zip(self.image[:2], self.padding, strict=True)):
            moves = [turn[2 + axis] for turn in turns]
            bits = (size + start + max(abs(move) for move in moves)).bit_length() + 1
            position = Signal(bits, init=(-start) % (1 << bits), name="row" if axis == 0 else "column")
            move = chosen(moves, "row_step" if axis == 0 else "column_step")
            with m.If(step):
                m.d.sync += position.eq(position + move)
            outside = outside | (position >= size)
        return outside


class WindowGenerator(StridedBuffer):
    """Windows of an image stream, tap by tap.

    In: pixels of ``shape``, ``lanes`` channels a beat. Out: for each window in
    row-major order, ``repeats`` times over, its taps row by row and of each tap
    all its beats; or, where ``channelwise``, for each group of ``lanes``
    channels all taps.

    The window is no larger than the padded image, and the padding smaller than
    the window (:class:`~quantunet_hls.rtl.graph.StreamGraph` checks both).

    Args:
        slack: pixels beyond one window's span.
    """

    def __init__(self, shape: Shape, bits: int, lanes: int, window: Window, *, repeats: int = 1,
                 channelwise: bool = False, slack: int = 2):
        words = shape.channels // lanes
        rows, columns = window.output(shape)
        channels = LoopLevel(words, offset=1)
        taps = [
            LoopLevel(window.kernel[1], offset=window.dilation[1] * words, column=window.dilation[1]),
            LoopLevel(window.kernel[0], offset=window.dilation[0] * shape.width * words, row=window.dilation[0]),
        ]
        inner = [*taps, channels] if channelwise else [channels, *taps]
        levels = [
            *inner,
            LoopLevel(repeats),
            LoopLevel(columns, base=window.stride[1] * words, column=window.stride[1]),
            LoopLevel(rows, base=window.stride[0] * shape.width * words, row=window.stride[0]),
        ]
        super().__init__(
            lanes * bits, levels, frame=shape.pixels * words, image=(shape.height, shape.width, words),
            padding=(window.padding[0], window.padding[2]) if any(window.padding) else None, slack=slack * words)


class UpsampleUnit(StridedBuffer):
    """Every pixel ``factor[1]`` times and every row ``factor[0]`` times.

    The buffer holds two rows, so that the next one comes in while this one is repeated.
    """

    def __init__(self, shape: Shape, bits: int, lanes: int, factor: tuple[int, int]):
        words = shape.channels // lanes
        row = shape.width * words
        super().__init__(
            lanes * bits,
            [LoopLevel(words, offset=1), LoopLevel(factor[1]), LoopLevel(shape.width, offset=words),
             LoopLevel(factor[0]), LoopLevel(shape.height, base=row)],
            frame=shape.pixels * words, image=(shape.height, shape.width, words), padding=None, slack=row)
