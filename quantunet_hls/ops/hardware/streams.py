"""Plumbing between layers: ready/valid streams, width adapters, forks and FIFOs.

A stream's payload is flat: ``lanes`` codes of ``bits`` bits each, channel 0 in
the lowest bits. A beat moves in the clock cycle in which ``valid`` and
``ready`` are both high; ``valid`` never falls before that.
"""

from __future__ import annotations

from math import lcm
from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from quantunet_hls.ops.streaming import SHALLOW_FIFO

__all__ = ["Fifo", "Fork", "WidthAdapter", "connect", "stream_in", "stream_out"]


def stream_in(width: int) -> Any:
    """Member of a component's signature: a stream that comes in."""
    return In(stream.Signature(width))


def stream_out(width: int) -> Any:
    """Member of a component's signature: a stream that goes out."""
    return Out(stream.Signature(width))


def connect(module: Module, source: Any, sink: Any) -> None:
    """Wire one stream's source to its only sink."""
    module.d.comb += [sink.payload.eq(source.payload), sink.valid.eq(source.valid), source.ready.eq(sink.ready)]


class Fifo(wiring.Component):
    """A first-in first-out queue of ``depth`` beats; ``level`` is how many it holds."""

    def __init__(self, width: int, depth: int):
        self.depth = depth
        super().__init__({"i": stream_in(width), "o": stream_out(width), "level": Out(range(depth + 1))})
        self.width = width

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        kind = SyncFIFO if self.depth <= SHALLOW_FIFO else SyncFIFOBuffered
        m.submodules.queue = queue = kind(width=self.width, depth=self.depth)
        connect(m, self.i, queue.w_stream)
        connect(m, queue.r_stream, self.o)
        m.d.comb += self.level.eq(queue.level)
        return m


class Fork(wiring.Component):
    """One stream to several readers, each of which may take a beat at its own time."""

    def __init__(self, width: int, readers: int):
        self.readers = readers
        super().__init__({"i": stream_in(width), **{f"o{index}": stream_out(width) for index in range(readers)}})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        outputs = [getattr(self, f"o{index}") for index in range(self.readers)]
        done = Signal(self.readers)
        taken = Signal(self.readers)
        for index, output in enumerate(outputs):
            m.d.comb += [
                output.payload.eq(self.i.payload),
                output.valid.eq(self.i.valid & ~done[index]),
                taken[index].eq(done[index] | output.ready),
            ]
        m.d.comb += self.i.ready.eq(taken.all())
        with m.If(self.i.valid):
            m.d.sync += done.eq(taken & ~self.i.ready.replicate(self.readers))
        return m


class WidthAdapter(wiring.Component):
    """Beats of ``lanes_in`` channels to beats of ``lanes_out``; over their least common multiple if neither divides."""

    def __init__(self, bits: int, lanes_in: int, lanes_out: int):
        self.bits, self.lanes_in, self.lanes_out = bits, lanes_in, lanes_out
        super().__init__({"i": stream_in(bits * lanes_in), "o": stream_out(bits * lanes_out)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        common = lcm(self.lanes_in, self.lanes_out)
        current = self.i
        if common > self.lanes_in:
            m.submodules.widen = widen = _Widen(self.bits * self.lanes_in, common // self.lanes_in)
            connect(m, current, widen.i)
            current = widen.o
        if common > self.lanes_out:
            m.submodules.narrow = narrow = _Narrow(self.bits * self.lanes_out, common // self.lanes_out)
            connect(m, current, narrow.i)
            current = narrow.o
        connect(m, current, self.o)
        return m


class _Widen(wiring.Component):
    """Collects ``factor`` beats into one; takes the next word's first beat while the full one leaves."""

    def __init__(self, width: int, factor: int):
        self.width, self.factor = width, factor
        super().__init__({"i": stream_in(width), "o": stream_out(width * factor)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        parts = [Signal(self.width, name=f"part_{index}", reset_less=True) for index in range(self.factor)]
        count = Signal(range(self.factor))
        full = Signal()
        m.d.comb += [
            self.o.payload.eq(Cat(*parts)),
            self.o.valid.eq(full),
            self.i.ready.eq(~full | self.o.ready),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += full.eq(0)
        with m.If(self.i.valid & self.i.ready):
            for index, part in enumerate(parts):
                with m.If(count == index):
                    m.d.sync += part.eq(self.i.payload)
            with m.If(count == self.factor - 1):
                m.d.sync += [count.eq(0), full.eq(1)]
            with m.Else():
                m.d.sync += count.eq(count + 1)
        return m


class _Narrow(wiring.Component):
    """Hands a word out in ``factor`` beats, lowest first; takes the next word while the last beat leaves."""

    def __init__(self, width: int, factor: int):
        self.width, self.factor = width, factor
        super().__init__({"i": stream_in(width * factor), "o": stream_out(width)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        word = Signal(self.width * self.factor, reset_less=True)
        left = Signal(range(self.factor + 1))
        m.d.comb += [
            self.o.payload.eq(word[: self.width]),
            self.o.valid.eq(left != 0),
            self.i.ready.eq((left == 0) | ((left == 1) & self.o.ready)),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [word.eq(word >> self.width), left.eq(left - 1)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [word.eq(self.i.payload), left.eq(self.factor)]
        return m
