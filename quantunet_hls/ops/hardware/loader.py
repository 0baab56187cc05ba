"""Memories that are filled at start-up, from a stream of 32-bit words that passes through all layers that have some.

The stream never has to wait: a memory takes a word a clock. So every layer registers
it, takes what is its own, and hands the rest on; ``ready`` is always high. Bit 32
of a word marks the first of a file as it comes to a layer, by which the layer starts again.
No reset is needed for that, so everything else in the layer is held in reset meanwhile: a unit
may begin with what is in the padding before any pixel has come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from quantunet_hls.ops.hardware.streams import stream_in, stream_out
from quantunet_hls.ops.loaded import STREAM_BITS, LoadedMemory

__all__ = ["LOAD_BITS", "Loader", "Writing", "loaded_table", "loaded_words"]

#: Bits of the stream: a word, and whether it is the first.
LOAD_BITS = STREAM_BITS + 1


@dataclass(frozen=True)
class Writing:
    """How the loader writes a memory.

    Attributes:
        memory: that is written.
        address: of a word.
        data: the word.
        enable: whether it is written.
    """

    memory: LoadedMemory
    address: Value
    data: Value
    enable: Signal


class Loader(wiring.Component):
    """Fills memories one after the other, then hands on what comes.

    In: the stream of weights from this layer's first word on. Out: what is left of it.

    Attributes:
        writes: how each memory is written, by its name.
    """

    def __init__(self, memories: Sequence[LoadedMemory]):
        self.memories = tuple(memories)
        super().__init__({"i": stream_in(LOAD_BITS), "o": stream_out(LOAD_BITS)})
        most = max(memory.pieces for memory in memories)
        self._word = Signal(STREAM_BITS, reset_less=True)
        self._held = Signal(STREAM_BITS * (most - 1), reset_less=True)
        self._address = Signal(range(max(memory.depth for memory in memories)), reset_less=True)
        self.writes: Mapping[str, Writing] = {memory.name: self._writing(memory) for memory in self.memories}

    def _writing(self, memory: LoadedMemory) -> Writing:
        data = Cat(self._held[: STREAM_BITS * (memory.pieces - 1)], self._word)[: memory.width]
        address = self._address[: (memory.depth - 1).bit_length()]
        return Writing(memory, address, data, Signal(name=f"load_{memory.name}"))

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        valid, passing, given = (Signal(reset_less=True, name=name) for name in ("valid", "passing", "given"))
        word = Signal(LOAD_BITS, reset_less=True)
        at = Signal(range(len(self.memories) + 1), reset_less=True)
        piece = Signal(range(max(memory.pieces for memory in self.memories)), reset_less=True)
        m.d.comb += [self.i.ready.eq(1), self.o.valid.eq(given), self.o.payload.eq(word)]
        m.d.sync += [self._word.eq(self.i.payload[:STREAM_BITS]), valid.eq(self.i.valid)]
        with m.If(valid), m.Switch(at):
            for index, memory in enumerate(self.memories):
                with m.Case(index):
                    self._take(m, memory, piece, at)
            with m.Default():
                m.d.sync += passing.eq(1)
        m.d.sync += [given.eq(valid & (at == len(self.memories))), word.eq(Cat(self._word, ~passing))]
        with m.If(self.i.valid & self.i.payload[STREAM_BITS]):
            m.d.sync += [at.eq(0), piece.eq(0), self._address.eq(0), passing.eq(0)]
        return m

    def _take(self, m: Module, memory: LoadedMemory, piece: Signal, at: Signal) -> None:
        """A word that is this memory's."""
        for place in range(memory.pieces - 1):
            with m.If(piece == place):
                m.d.sync += self._held.word_select(place, STREAM_BITS).eq(self._word)
        m.d.sync += piece.eq(piece + 1)
        with m.If(piece == memory.pieces - 1):
            m.d.comb += self.writes[memory.name].enable.eq(1)
            m.d.sync += [piece.eq(0), self._address.eq(self._address + 1)]
            with m.If(self._address == memory.depth - 1):
                m.d.sync += [self._address.eq(0), at.eq(at + 1)]


def loaded_words(m: Module, name: str, writing: Writing, *, ultra: bool = False) -> tuple[Value, Signal]:
    """A loaded memory in place of a ROM, perhaps in UltraRAM: the data, and the address register, a clock before it."""
    memory = writing.memory
    at = Signal(range(memory.depth), name=f"{name}_at")
    if memory.depth == 1:
        return _held(m, name, writing), at
    if ultra:
        return _ultra(m, name, writing, at), at
    port = _ram(m, name, writing).read_port(domain="sync")
    m.d.comb += [port.addr.eq(at), port.en.eq(1)]
    return port.data, at


def _ultra(m: Module, name: str, writing: Writing, at: Value) -> Value:
    """The data of a memory in UltraRAM, which is read at the address at which it is written, while it isn't.

    Nothing is read while weights come in. With one address for all, both ports of a block make one of 144 bits, and a
    memory of 2,048 words takes half as many blocks as with two.
    """
    address = Signal(len(writing.address), name=f"{name}_address")
    memory = _ram(m, name, Writing(writing.memory, address, writing.data, writing.enable), {"ram_style": "ultra"})
    port = memory.read_port(domain="sync")
    m.d.comb += [address.eq(Mux(writing.enable, writing.address, at)), port.addr.eq(address),
                 port.en.eq(~writing.enable)]
    return port.data


def loaded_table(m: Module, name: str, writing: Writing, at: Value) -> Value:
    """A loaded memory that is read within the clock."""
    if writing.memory.depth == 1:
        return _held(m, name, writing)
    port = _ram(m, name, writing).read_port(domain="comb")
    m.d.comb += port.addr.eq(at)
    return port.data


def _ram(m: Module, name: str, writing: Writing, attributes: dict[str, str] | None = None) -> Memory:
    """The memory, with its write port."""
    memory = writing.memory
    made = Memory(shape=unsigned(memory.width), depth=memory.depth, init=[], attrs=attributes)
    m.submodules[name] = made
    port = made.write_port(domain="sync")
    m.d.comb += [port.addr.eq(writing.address), port.data.eq(writing.data), port.en.eq(writing.enable)]
    return made


def _held(m: Module, name: str, writing: Writing) -> Value:
    """A memory of one word: a register."""
    held = Signal(writing.memory.width, name=f"{name}_held", reset_less=True)
    with m.If(writing.enable):
        m.d.sync += held.eq(writing.data)
    return held
