"""Pixels between pixels in hardware: a buffer of two lines, and adders that take a part of each.

A line is a row of the image, or a pixel of a row. The lines that a pixel lies
between are neighbours, so they always lie in different halves of a buffer,
with a read port each, and one that is read for the last time makes room word
by word. A word that comes in is there two clocks later; where the next line is
wanted earlier than that, each half holds two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from quantunet_hls.ops.hardware.multipliers import Addend, tree
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.reduce import ReducingUnit
from quantunet_hls.ops.hardware.requantize import as_type, extended, shifted_left
from quantunet_hls.ops.hardware.streams import stream_in, stream_out
from quantunet_hls.ops.interpolation.layer import Places
from quantunet_hls.ops.interpolation.stream import Interpolation, units
from quantunet_hls.ops.unit import Components, LayerUnit

__all__ = ["FACET", "LinePairs", "WeightedSums"]


def _components(layer: Interpolation) -> Components:
    """The buffer, and the sums."""
    return {"lines": LinePairs(layer.input_type.width * layer.lanes, layer.line, layer.places, layer.kept),
            "sums": WeightedSums(layer)}


FACET = LayerUnit(_components)


class LinePairs(wiring.Component):
    """In: lines of ``words`` beats. Out: for each line between them, word by word, those that it lies between.

    A beat that goes out has the words of both halves of the buffer and, for each of :func:`units`, a bit that says
    whether it is taken of the first half. That is the parts that a line has of the one behind it, counted along
    by ``step``; where this line has the first half, or there is but one line, its units are those left over.

    Args:
        width: bits of a word.
        words: of a line.
        places: of the lines that go out among those that come in.
        kept: lines that a half of the buffer holds, one or two.
    """

    def __init__(self, width: int, words: int, places: Places, kept: int):
        self.width, self.words, self.places, self.kept = width, words, places, kept
        super().__init__({"i": stream_in(width), "o": stream_out(2 * width + len(units(places.parts)))})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        step, releases = Signal(), Signal()
        room = 2 * self.kept * self.words
        held = Signal(range(room + 1))
        wrote = self.i.valid & self.i.ready
        m.d.comb += self.i.ready.eq(held != room)
        m.d.sync += held.eq(held + wrote - (step & releases))
        advance = ~self.o.valid | self.o.ready

        word, last_word = _counter(m, "word", self.words, step)
        weight, half, pair = self._lines(m, step & last_word, releases)
        # What has been released of a line is not held any more.
        wanted = Mux(pair, self.words, 0) + Mux(releases, 0, word)
        m.d.comb += step.eq(advance & (wanted < held))

        write_word, last_written = _counter(m, "write_word", self.words, wrote)
        write_half = Signal()
        with m.If(wrote & last_written):
            m.d.sync += write_half.eq(~write_half)
        read_words: list[Value] = []
        for index in range(2):
            m.submodules[f"half_{index}"] = lines = Memory(shape=self.width, depth=self.kept * self.words, init=[])
            write, read = lines.write_port(), lines.read_port(domain="sync")
            written, released = (wrote & (write_half == index) & last_written,
                                 step & last_word & releases & (half == index))
            m.d.comb += [
                write.addr.eq(self._place(m, f"write_line_{index}", written, write_word)),
                write.data.eq(self.i.payload),
                write.en.eq(wrote & (write_half == index)),
                read.addr.eq(self._place(m, f"read_line_{index}", released, word)),
                read.en.eq(advance),
            ]
            read_words.append(read.data)

        taken = _taken(weight, self.places.parts)
        choice = Signal(len(taken))
        with m.If(advance):
            m.d.sync += [self.o.valid.eq(step), choice.eq(Mux(half, taken, ~taken))]
        m.d.comb += self.o.payload.eq(Cat(*read_words, choice))
        return m

    def _place(self, m: Module, name: str, turns: Value, word: Value) -> Value:
        """Where a word of a half's line lies, of lines that follow one another as they turn."""
        if self.kept == 1:
            return word
        second = Signal(name=name)
        with m.If(turns):
            m.d.sync += second.eq(~second)
        return Mux(second, word + self.words, word)

    def _lines(self, m: Module, turns: Value, releases: Signal) -> tuple[Value, Value, Value]:
        """What moves from line to line: parts of the line behind, the half of the one before, whether there are two."""
        places = self.places
        # Before the first line there is this one alone; so it stays until the places have come to it.
        early = Signal(init=places.start < 0)
        phase = Signal(range(places.parts), init=places.start % places.parts)
        before = Signal(range(places.pixels))
        half = Signal()
        _, ends = _counter(m, "line", places.size, turns)
        ahead = phase + places.step
        passes = ahead >= places.parts
        pair = ~early & (before != places.pixels - 1)
        m.d.comb += releases.eq(ends | (passes & ~early))
        with m.If(turns):
            m.d.sync += phase.eq(Mux(ends, phase.init, Mux(passes, ahead - places.parts, ahead)))
            m.d.sync += early.eq(Mux(ends, early.init, early & ~passes))
            m.d.sync += before.eq(Mux(ends, 0, before + releases))
            m.d.sync += half.eq(half ^ releases)
        return Mux(pair, phase, 0), half, pair


def _taken(weight: Value, parts: int) -> Value:
    """Which of :func:`units` add up to so many parts."""
    plain = (parts + 1).bit_length() - 1
    rest = parts - (1 << plain) + 1
    if rest == 0:
        return extended(weight, plain)[:plain]
    beyond = weight >= 1 << plain
    low = Mux(beyond, weight - rest, weight)
    return Cat(extended(low, plain)[:plain], beyond.replicate(rest.bit_count()))


def _counter(m: Module, name: str, count: int, turns: Value) -> tuple[Value, Value]:
    """A counter that moves with ``turns``, and whether it is at its last turn."""
    counter = Signal(range(count), name=name)
    last = counter == count - 1
    with m.If(turns):
        m.d.sync += counter.eq(Mux(last, 0, counter + 1))
    return counter, last


class WeightedSums(ReducingUnit):
    """In: words of two lines and the choice of each unit. Out: the sums of what is chosen, through the stages."""

    def __init__(self, layer: Interpolation):
        self.units = units(layer.places.parts)
        super().__init__(1, 2 * layer.lanes, layer.input_type, layer.accumulator, layer.lanes, layer.stages,
                         aside=len(self.units))

    def reduced(self, m: Module, pipeline: Pipeline, codes: Sequence[Value]) -> list[Value]:
        """Each unit of one line's value or the other's, added up."""
        choice = self.i.payload[-len(self.units):]
        half = self.lanes // 2
        rows = [[Addend(shifted_left(Mux(choice[index], one, other), unit.bit_length() - 1))
                 for index, unit in enumerate(self.units)]
                for one, other in zip(codes[:half], codes[half:], strict=True)]
        if len(self.units) == 1:
            rows = [[Addend(pipeline.register(row[0].value))] for row in rows]
            pipeline.advance()
        return [as_type(extended(total.value, self.accumulator.width), self.accumulator)
                for total in tree(pipeline, rows)]
