"""What reads weights from external memory while a design computes: an AXI4 read master for all layers that need some.

Each layer reads the beats of its own, from the first to the last, again and again, ahead of what it uses: bursts
are asked for while its FIFO has room for them, so that whatever comes can be taken at once, and no layer waits
behind another. Layers take turns, a burst each. All reads have one identifier, so they are answered in order.

A burst is no longer than :data:`BURST_BEATS` beats, and every layer's weights begin at a whole burst; so from
a base at a multiple of 4 KB none crosses such a boundary.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from amaranth.hdl import Array, C, Cat, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from quantunet_hls.ops.feed import BURST_BEATS, FIFO_BEATS, MEMORY_BITS, Feed
from quantunet_hls.ops.hardware.streams import Fifo, connect, stream_out

__all__ = ["ADDRESS_BITS", "MEMORY_PORTS", "OUTSTANDING", "MemoryReader"]

ADDRESS_BITS = 64

#: The lowest bits of an address of which a base has none.
BASE_BITS = 12

#: Bursts that are under way at most.
OUTSTANDING = 16

#: The channels of AXI4 that read, without the signals that never change.
MEMORY_PORTS = {
    "ar_addr": Out(ADDRESS_BITS), "ar_len": Out(8), "ar_valid": Out(1), "ar_ready": In(1),
    "r_data": In(MEMORY_BITS), "r_resp": In(2), "r_last": In(1), "r_valid": In(1), "r_ready": Out(1),
}


class MemoryReader(wiring.Component):
    """Out: a stream for each layer, ``o0``, ``o1``...; and the channels of :data:`MEMORY_PORTS`.

    Attributes:
        base: address of the first layer's weights; its lowest bits, up to 4 KB, are left out.
        run: layers are to be fed from their first beat on; while it is low, none is, and what is under way is dropped.
        active: they are.
        fault: memory answered with an error; from then on nothing is handed on.
    """

    def __init__(self, feeds: Sequence[Feed]):
        self.feeds = tuple(feeds)
        super().__init__({**{f"o{index}": stream_out(MEMORY_BITS) for index in range(len(feeds))}, **MEMORY_PORTS,
                          "base": In(ADDRESS_BITS), "run": In(1), "active": Out(1), "fault": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        bits = max(len(self.feeds) - 1, 1).bit_length()
        m.submodules.owners = owners = Fifo(bits, OUTSTANDING)
        stopped = Signal()
        base = Signal(ADDRESS_BITS - BASE_BITS)
        with m.FSM(name="reader"):
            with m.State("STOPPED"):
                m.d.comb += stopped.eq(1)
                with m.If(self.run):
                    m.d.sync += [base.eq(self.base[BASE_BITS:]), self.fault.eq(0)]
                    m.next = "ACTIVE"
            with m.State("ACTIVE"):
                m.d.comb += self.active.eq(self.run)
                with m.If(~self.run):
                    m.next = "DRAIN"
            with m.State("DRAIN"), m.If(~self.ar_valid & (owners.level == 0)):
                m.next = "STOPPED"
        arrives = self.r_valid & self.r_ready
        m.d.comb += [self.r_ready.eq(1), owners.o.ready.eq(arrives & self.r_last)]
        with m.If(arrives & self.r_resp[1]):
            m.d.sync += self.fault.eq(1)
        asked, addresses, lengths = [], [], []
        chosen, issue = Signal(len(self.feeds)), Signal()
        offsets = accumulate((feed.room for feed in self.feeds), initial=0)
        for index, offset in zip(range(len(self.feeds)), offsets, strict=False):
            comes = arrives & (owners.o.payload == index) & ~self.fault & ~self.r_resp[1]
            place, length, room = self._layer(m, index, comes, issue & chosen[index], stopped)
            asked.append(self.active & room)
            addresses.append(place + offset // (MEMORY_BITS // 8))
            lengths.append(length)
        self._ask(m, owners, asked, chosen, issue)
        index = _place(chosen)
        at, length = Array(addresses)[index], Array(lengths)[index]
        m.d.comb += [owners.i.payload.eq(index), owners.i.valid.eq(issue)]
        with m.If(self.ar_valid & self.ar_ready):
            m.d.sync += self.ar_valid.eq(0)
        with m.If(issue):
            address = Cat(C(0, BASE_BITS), base) + (at << (MEMORY_BITS // 8 - 1).bit_length())
            m.d.sync += [self.ar_valid.eq(1), self.ar_addr.eq(address), self.ar_len.eq(length - 1)]
        return m

    def _layer(self, m: Module, index: int, comes: Value, issued: Value, stopped: Value) -> tuple[Value, Value, Value]:
        """A layer's FIFO: the next beat that it asks for, how many it asks for, and whether there is room for them."""
        feed, out = self.feeds[index], getattr(self, f"o{index}")
        m.submodules[f"beats_{index}"] = ResetInserter(stopped)(fifo := Fifo(MEMORY_BITS, FIFO_BEATS))
        m.d.comb += [fifo.i.payload.eq(self.r_data), fifo.i.valid.eq(comes & self.active)]
        connect(m, fifo.o, out)
        place = Signal(range(feed.beats), name=f"place_{index}")
        room = Signal(range(FIFO_BEATS + 1), name=f"room_{index}", init=FIFO_BEATS)
        # Only the last burst is shorter.
        rest = feed.beats - (feed.beats - 1) // BURST_BEATS * BURST_BEATS
        at_last = place == feed.beats - rest
        length = Mux(at_last, rest, BURST_BEATS)
        m.d.sync += room.eq(room - Mux(issued, length, 0) + (out.valid & out.ready))
        with m.If(issued):
            m.d.sync += place.eq(Mux(at_last, 0, place + BURST_BEATS))
        with m.If(stopped):
            m.d.sync += [place.eq(0), room.eq(FIFO_BEATS)]
        return place, length, room >= BURST_BEATS

    def _ask(self, m: Module, owners: Fifo, asked: Sequence[Value], chosen: Signal, issue: Signal) -> None:
        """Whose turn it is: the first behind the last that asks."""
        wanted, behind = Signal(len(asked)), Signal(len(asked))
        m.d.comb += wanted.eq(Cat(*asked))
        later = wanted & behind
        m.d.comb += [chosen.eq(Mux(later.any(), _lowest(later), _lowest(wanted))),
                     issue.eq(wanted.any() & owners.i.ready & (~self.ar_valid | self.ar_ready))]
        with m.If(issue):
            # All bits above the one that was chosen.
            m.d.sync += behind.eq(~(chosen | (chosen - 1)))


def _lowest(bits: Value) -> Value:
    """The lowest bit that is high, alone."""
    return bits & ~(bits - 1)


def _place(bit: Value) -> Value:
    """The number of the bit that is high."""
    count = len(bit)
    width = max(count - 1, 1).bit_length()
    found: Value = C(0, width)
    for place in range(count):
        found = found | Mux(bit[place], place, 0)
    return found[:width]
