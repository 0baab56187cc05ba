"""Images over a serial line: a UART (8 data bits, no parity, one stop bit) and the messages of :mod:`.host`.

A whole request is stored and its checksum compared before the network sees a
pixel, and a whole result is stored before it is sent; so the network runs at its
own pace, and what it reports as its cycles does not depend on the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from amaranth.hdl import Array, C, Cat, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from quantunet_hls.ops.hardware.streams import Fifo, stream_in, stream_out
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.rtl.integrate.host import CRC_BYTES, ERROR, HEAD_BYTES, IMAGE, RESULT, SYNC

__all__ = ["FrameLink", "UartReceiver", "UartTransmitter", "code_bytes"]

LENGTH_BYTES = 4
CYCLES_BYTES = 4
WRONG_LENGTH, WRONG_CRC, STOPPED = 1, 2, 3


def code_bytes(layer: StreamLayer) -> int:
    """Bytes that a code takes on the line: 1, 2 or 4."""
    return next(count for count in (1, 2, 4) if 8 * count >= layer.type.width)


class UartReceiver(wiring.Component):
    """Bytes from a line; ``valid`` is high for one clock with each. ``divisor`` clocks make a bit."""

    def __init__(self, divisor: int):
        self.divisor = divisor
        super().__init__({"line": In(1, init=1), "data": Out(8), "valid": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        first, line = Signal(init=1), Signal(init=1)
        m.d.sync += [first.eq(self.line), line.eq(first), self.valid.eq(0)]
        timer, left = Signal(range(2 * self.divisor)), Signal(range(10))
        with m.If(left == 0):
            # The middle of the first data bit is one and a half bits behind the start bit's edge.
            m.d.sync += timer.eq(self.divisor + self.divisor // 2 - 1)
            with m.If(~line):
                m.d.sync += left.eq(9)
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += [timer.eq(self.divisor - 1), left.eq(left - 1)]
            with m.If(left == 1):
                # A byte counts only with its stop bit.
                m.d.sync += self.valid.eq(line)
            with m.Else():
                m.d.sync += self.data.eq(Cat(self.data[1:], line))
        return m


class UartTransmitter(wiring.Component):
    """A stream of bytes to a line."""

    def __init__(self, divisor: int):
        self.divisor = divisor
        super().__init__({"i": stream_in(8), "line": Out(1, init=1)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        bits = Signal(10, init=(1 << 10) - 1)
        timer, left = Signal(range(self.divisor)), Signal(range(11))
        m.d.comb += [self.i.ready.eq(left == 0)]
        m.d.sync += self.line.eq(bits[0] | (left == 0))
        with m.If(left == 0):
            m.d.sync += timer.eq(self.divisor - 1)
            with m.If(self.i.valid):
                m.d.sync += [bits.eq(Cat(C(0, 1), self.i.payload, C(1, 1))), left.eq(10)]
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += [timer.eq(self.divisor - 1), left.eq(left - 1), bits.eq(Cat(bits[1:], C(1, 1)))]
        return m


class FrameLink(wiring.Component):
    """Requests from bytes to the network's input stream, its output stream to bytes of results.

    Args:
        first, last: the network's input and output layer.
        pause: clocks without a byte after which a request counts as given up.
    """

    def __init__(self, first: StreamLayer, last: StreamLayer, pause: int):
        self.first, self.last, self.pause = first, last, pause
        super().__init__({
            "data": In(8), "valid": In(1),
            "frame": stream_out(first.lanes * first.type.width),
            "result": stream_in(last.lanes * last.type.width),
            "o": stream_out(8),
            "busy": Out(1), "failed": Out(1), "frames": Out(8),
        })

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        first, last = self.first, self.last
        clear, error, go, done = Signal(), Signal(2), Signal(), Signal()
        m.submodules.images = images = ResetInserter(clear)(Fifo(first.lanes * first.type.width, first.beats))
        m.submodules.results = results = Fifo(last.lanes * last.type.width, last.beats)
        busy = go | done | (error != 0)
        m.d.comb += self.busy.eq(busy)
        self._receive(m, images, busy, clear, error, go)

        # The network's side.
        cycles, running = Signal(32), Signal()
        sent, got = Signal(range(first.beats)), Signal(range(last.beats))
        enters = self.frame.valid & self.frame.ready
        leaves = self.result.valid & self.result.ready
        m.d.comb += [
            self.frame.payload.eq(images.o.payload), self.frame.valid.eq(images.o.valid & go),
            images.o.ready.eq(self.frame.ready & go),
            results.i.payload.eq(self.result.payload), results.i.valid.eq(self.result.valid),
            self.result.ready.eq(results.i.ready),
        ]
        with m.If(running):
            m.d.sync += cycles.eq(cycles + 1)
        with m.If(enters):
            with m.If(sent == 0):
                m.d.sync += [running.eq(1), cycles.eq(1)]
            m.d.sync += sent.eq(Mux(sent == first.beats - 1, 0, sent + 1))
            with m.If(sent == first.beats - 1):
                m.d.sync += go.eq(0)
        with m.If(leaves):
            m.d.sync += got.eq(Mux(got == last.beats - 1, 0, got + 1))
            with m.If(got == last.beats - 1):
                m.d.sync += [running.eq(0), done.eq(1), self.frames.eq(self.frames + 1)]
        self._transmit(m, results, cycles, error, done)
        return m

    def _receive(self, m: Module, images: Any, busy: Value, clear: Signal, error: Signal, go: Signal) -> None:
        first = self.first
        each = code_bytes(first)
        expected = first.beats * first.lanes * each
        crc, length, count = Signal(16), Signal(8 * LENGTH_BYTES), Signal(3)
        beat = Signal(8 * each * first.lanes)
        part, beats = Signal(range(each * first.lanes)), Signal(range(first.beats))
        quiet = Signal(range(self.pause + 1))
        m.d.sync += quiet.eq(Mux(self.valid, 0, Mux(quiet == self.pause, self.pause, quiet + 1)))
        shifted = Cat(beat[8:], self.data)
        lanes = [shifted[8 * each * lane: 8 * each * lane + first.type.width] for lane in range(first.lanes)]
        m.d.comb += images.i.payload.eq(Cat(*lanes))

        def refuse(code: int) -> None:
            m.d.comb += clear.eq(1)
            m.d.sync += [error.eq(code), self.failed.eq(1)]
            m.next = "SILENCE"

        with m.FSM(name="receive"):
            with m.State("SYNC"):
                m.d.sync += [crc.eq(0xFFFF), count.eq(0), part.eq(0), beats.eq(0)]
                with m.If(self.valid & (self.data == SYNC) & ~busy):
                    m.next = "KIND"
            with m.State("KIND"), self._byte_or_silence(m, quiet, refuse):
                m.d.sync += crc.eq(_crc_step(crc, self.data))
                m.next = "LENGTH"
                with m.If(self.data != IMAGE):
                    m.next = "SYNC"
            with m.State("LENGTH"), self._byte_or_silence(m, quiet, refuse):
                m.d.sync += [crc.eq(_crc_step(crc, self.data)), length.eq(Cat(length[8:], self.data)),
                             count.eq(count + 1)]
                with m.If(count == LENGTH_BYTES - 1):
                    m.d.sync += count.eq(0)
                    m.next = "DATA"
                    with m.If(Cat(length[8:], self.data) != expected):
                        refuse(WRONG_LENGTH)
            with m.State("DATA"), self._byte_or_silence(m, quiet, refuse):
                m.d.sync += [crc.eq(_crc_step(crc, self.data)), beat.eq(shifted), part.eq(part + 1)]
                with m.If(part == each * first.lanes - 1):
                    m.d.comb += images.i.valid.eq(1)
                    m.d.sync += [part.eq(0), beats.eq(beats + 1)]
                    with m.If(beats == first.beats - 1):
                        m.next = "CRC"
            with m.State("CRC"), self._byte_or_silence(m, quiet, refuse):
                m.d.sync += count.eq(count + 1)
                with m.If(self.data != Mux(count == 0, crc[:8], crc[8:])):
                    refuse(WRONG_CRC)
                with m.Elif(count == CRC_BYTES - 1):
                    m.d.sync += [go.eq(1), self.failed.eq(0)]
                    m.next = "SYNC"
            with m.State("SILENCE"), m.If(quiet == self.pause):
                # What is left of a refused request is not taken for another.
                m.next = "SYNC"

    @contextmanager
    def _byte_or_silence(self, m: Module, quiet: Signal, refuse: Callable[[int], None]) -> Iterator[None]:
        """What a state does with a byte; where none comes for long the request has stopped."""
        with m.If(quiet == self.pause):
            refuse(STOPPED)
        with m.Elif(self.valid):
            yield

    def _transmit(self, m: Module, results: Any, cycles: Signal, error: Signal, done: Signal) -> None:
        last = self.last
        each = code_bytes(last)
        payload = CYCLES_BYTES + last.beats * last.lanes * each
        width = last.type.width
        codes = [results.o.payload[lane * width: (lane + 1) * width] for lane in range(last.lanes)]
        wide = Signal(8 * each * last.lanes)
        extended = [Signal(8 * each, name=f"code_{lane}") for lane in range(last.lanes)]
        for signal, code in zip(extended, codes, strict=True):
            m.d.comb += signal.eq(code.as_signed() if last.type.signed else code)
        m.d.comb += wide.eq(Cat(*extended))
        crc, index, part = Signal(16), Signal(4), Signal(range(each * last.lanes))
        beats, refused = Signal(range(last.beats)), Signal()
        good = [SYNC, RESULT, *payload.to_bytes(LENGTH_BYTES, "little"),
                *(cycles[8 * n: 8 * n + 8] for n in range(CYCLES_BYTES))]
        bad = [SYNC, ERROR, *(1).to_bytes(LENGTH_BYTES, "little"), error]
        bad += [0] * (len(good) - len(bad))
        head = Mux(refused, Array(bad)[index], Array(good)[index])
        moves = self.o.valid & self.o.ready
        with m.If(moves):
            m.d.sync += index.eq(index + 1)
        with m.FSM(name="transmit"):
            with m.State("IDLE"):
                m.d.sync += [crc.eq(0xFFFF), index.eq(0), part.eq(0), beats.eq(0), refused.eq(error != 0)]
                with m.If(done | (error != 0)):
                    m.next = "HEAD"
            with m.State("HEAD"):
                m.d.comb += [self.o.payload.eq(head), self.o.valid.eq(1)]
                with m.If(moves):
                    with m.If(index != 0):
                        m.d.sync += crc.eq(_crc_step(crc, self.o.payload))
                    with m.If(refused & (index == HEAD_BYTES)):
                        m.next = "CRC_LOW"
                    with m.Elif(index == HEAD_BYTES + CYCLES_BYTES - 1):
                        m.next = "BODY"
            with m.State("BODY"):
                m.d.comb += [self.o.payload.eq(wide.word_select(part, 8)), self.o.valid.eq(results.o.valid)]
                with m.If(moves):
                    m.d.sync += [crc.eq(_crc_step(crc, self.o.payload)), part.eq(part + 1)]
                    with m.If(part == each * last.lanes - 1):
                        m.d.comb += results.o.ready.eq(1)
                        m.d.sync += [part.eq(0), beats.eq(beats + 1)]
                        with m.If(beats == last.beats - 1):
                            m.next = "CRC_LOW"
            with m.State("CRC_LOW"):
                m.d.comb += [self.o.payload.eq(crc[:8]), self.o.valid.eq(1)]
                with m.If(moves):
                    m.next = "CRC_HIGH"
            with m.State("CRC_HIGH"):
                m.d.comb += [self.o.payload.eq(crc[8:]), self.o.valid.eq(1)]
                with m.If(moves):
                    m.d.sync += [done.eq(0), error.eq(0)]
                    m.next = "IDLE"


def _crc_step(crc: Value, data: Value) -> Value:
    """CRC-16/CCITT after one more byte, as :func:`quantunet_hls.rtl.integrate.host.crc16` computes it."""
    bits = [crc[n] for n in range(16)]
    for n in reversed(range(8)):
        top = bits[15] ^ data[n]
        bits = [top, *bits[:15]]
        bits[5], bits[12] = bits[5] ^ top, bits[12] ^ top
    return Cat(*bits)
