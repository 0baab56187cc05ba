"""Where a design's weights come in: the file is checked, passed on to the layers, and pixels wait until it is there.

A file (:mod:`quantunet_hls.rtl.weights_file`) comes as a stream of its words, with bit 32 high
at the last one. Weights never change under a frame: a file is taken only when every
frame that has begun is out, and from its first word to its checksum no frame begins. Until
then all layers are held in reset.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from quantunet_hls.ops.hardware.crc import crc_step
from quantunet_hls.ops.hardware.loader import LOAD_BITS
from quantunet_hls.ops.hardware.streams import stream_in, stream_out
from quantunet_hls.ops.loaded import STREAM_BITS
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.weights_file import MAGIC, Fault, data_words, design_word

__all__ = ["Gate", "Intake"]

#: Bits of the count of frames that are inside.
_FRAME_BITS = 16


class Intake(wiring.Component):
    """Takes files of weights.

    In: a file's words, bit 32 high at the last. Out: its data words, bit 32 high at the first.

    Attributes:
        idle: no frame is inside, and none begins.
        wanted: a file is there, or under way.
        loaded: the last file was taken, and its checksum was right.
        fault: what was wrong with the last file, of :class:`~quantunet_hls.rtl.weights_file.Fault`.
        checksum: CRC-32 of what has come of the last file, without its own checksum.
    """

    def __init__(self, graph: StreamGraph):
        self.design, self.words = design_word(graph), data_words(graph)
        # A word is registered twice in each layer on its way to the last.
        self.settling = 2 * len(graph.loading) + 2
        super().__init__({"i": stream_in(LOAD_BITS), "o": stream_out(LOAD_BITS), "idle": In(1), "wanted": Out(1),
                          "loaded": Out(1), "fault": Out(3), "checksum": Out(STREAM_BITS)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        word, last = self.i.payload[:STREAM_BITS], self.i.payload[STREAM_BITS]
        start = (1 << STREAM_BITS) - 1
        crc, taken = Signal(STREAM_BITS, init=start), Signal()
        count, settled = Signal(range(self.words)), Signal(range(self.settling))
        m.d.comb += [taken.eq(self.i.valid & self.i.ready), self.checksum.eq(~crc),
                     self.o.payload.eq(Cat(word, count == 0))]

        def refuse(code: Fault) -> None:
            m.d.sync += self.fault.eq(int(code))
            m.next = "SKIP"
            with m.If(last):
                m.next = "IDLE"

        def header(before: Value, value: int, code: Fault, following: str) -> None:
            """A word that is the same in all files of the design."""
            m.d.sync += crc.eq(crc_step(before, word))
            m.next = following
            with m.If((word != value) | last):
                refuse(code)

        with m.FSM(name="intake") as states:
            idle, settles = states.ongoing("IDLE"), states.ongoing("SETTLE")
            m.d.comb += [self.wanted.eq(~idle | self.i.valid), self.i.ready.eq(Mux(idle, self.idle, ~settles)),
                         self.o.valid.eq(self.i.valid & states.ongoing("DATA"))]
            with m.State("IDLE"), m.If(taken):
                m.d.sync += [self.loaded.eq(0), self.fault.eq(0), count.eq(0), settled.eq(0)]
                header(C(start, STREAM_BITS), MAGIC, Fault.NO_FILE, "DESIGN")
            with m.State("DESIGN"), m.If(taken):
                header(crc, self.design, Fault.OTHER_DESIGN, "LENGTH")
            with m.State("LENGTH"), m.If(taken):
                header(crc, self.words, Fault.LENGTH, "DATA")
            with m.State("DATA"), m.If(taken):
                m.d.sync += [crc.eq(crc_step(crc, word)), count.eq(count + 1)]
                with m.If(count == self.words - 1):
                    m.next = "CHECKSUM"
                with m.If(last):
                    refuse(Fault.LENGTH)
            with m.State("CHECKSUM"), m.If(taken):
                m.next = "SETTLE"
                with m.If(word != self.checksum):
                    refuse(Fault.CHECKSUM)
                with m.Elif(~last):
                    refuse(Fault.LENGTH)
            with m.State("SETTLE"):
                m.d.sync += settled.eq(settled + 1)
                with m.If(settled == self.settling - 1):
                    m.d.sync += self.loaded.eq(1)
                    m.next = "IDLE"
            # What is left of a refused file is not taken for another.
            with m.State("SKIP"), m.If(taken & last):
                m.next = "IDLE"
        return m


class Gate(wiring.Component):
    """Lets frames in while the weights are there, and tells when none is inside.

    In: the design's pixels. Out: the same, to its layers.

    Args:
        first, last: beats of a frame that come in and go out.

    Attributes:
        loaded: frames may begin.
        wanted: none may begin from the end of this one on.
        leaves: a beat goes out of the design.
        idle: no frame is inside, and none begins.
    """

    def __init__(self, width: int, first: int, last: int):
        self.first, self.last = first, last
        super().__init__({"i": stream_in(width), "o": stream_out(width), "loaded": In(1), "wanted": In(1),
                          "leaves": In(1), "idle": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        opened = Signal()
        begun, ended = Signal(_FRAME_BITS), Signal(_FRAME_BITS)
        m.d.comb += [self.o.payload.eq(self.i.payload), self.o.valid.eq(self.i.valid & opened),
                     self.i.ready.eq(self.o.ready & opened), self.idle.eq(~opened & (begun == ended))]
        enters = self.i.valid & self.i.ready
        at_start, at_end = _beats(m, "entered", enters, self.first)
        _, at_last = _beats(m, "left", self.leaves, self.last)
        m.d.sync += [begun.eq(begun + (enters & at_end)), ended.eq(ended + (self.leaves & at_last))]
        with m.If(~opened):
            m.d.sync += opened.eq(self.loaded & ~self.wanted)
        # A beat that is offered stays offered, so it is the end of a frame or a pause before one that closes.
        with m.Elif(self.wanted & ((enters & at_end) | (at_start & ~self.i.valid))):
            m.d.sync += opened.eq(0)
        return m


def _beats(m: Module, name: str, moves: Value, beats: int) -> tuple[Value, Value]:
    """Whether the next beat is the first of a frame, and whether it is the last."""
    count = Signal(range(max(beats, 2)), name=name)
    at_last = count == beats - 1
    with m.If(moves):
        m.d.sync += count.eq(Mux(at_last, 0, count + 1))
    return count == 0, at_last
