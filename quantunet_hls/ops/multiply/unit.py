"""Two streams multiplied: a beat of each makes a pair, and the products go through the stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from quantunet_hls.ops.hardware.beats import code_of
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.reduce import ReducingUnit
from quantunet_hls.ops.hardware.requantize import as_type
from quantunet_hls.ops.hardware.streams import stream_in, stream_out
from quantunet_hls.ops.multiply.stream import Multiply
from quantunet_hls.ops.unit import Components, LayerUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET", "FactorUnit", "ProductUnit"]


def _components(layer: Multiply) -> Components:
    """The pairs, and the unit that multiplies them."""
    return {"pair": FactorUnit(layer), "multiply": ProductUnit(layer)}


FACET = LayerUnit(_components)


class FactorUnit(wiring.Component):
    """In: beats of two streams. Out: each beat of the first with the beat of the second that belongs to it.

    One beat that comes again stays in its stream as long; several are written down the first time that they come.
    """

    def __init__(self, layer: Multiply):
        self.words, self.times = layer.factors
        one, other = (kind.width * layer.lanes_from(place) for place, kind in enumerate(layer.input_types))
        super().__init__({"i0": stream_in(one), "i1": stream_in(other), "o": stream_out(one + other)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        times, fire = Signal(range(self.times)), Signal()
        payload: Value = self.i1.payload
        there: Value = self.i1.valid
        if self.words == 1:
            ends, takes = Signal(), times == self.times - 1
            m.d.comb += ends.eq(1)
        else:
            payload, there, takes, ends = self._written_down(m, times, fire)
        m.d.comb += [
            self.o.payload.eq(Cat(self.i0.payload, payload)),
            self.o.valid.eq(self.i0.valid & there),
            fire.eq(self.o.valid & self.o.ready),
            self.i0.ready.eq(self.o.ready & there),
            self.i1.ready.eq(self.o.ready & self.i0.valid & takes),
        ]
        with m.If(fire & ends):
            m.d.sync += times.eq(Mux(times == self.times - 1, 0, times + 1))
        return m

    def _written_down(self, m: Module, times: Signal, fire: Signal) -> tuple[Value, Value, Value, Signal]:
        """The factor, whether it is there, whether it is taken from its stream, and whether it is the last of them."""
        memory = Memory(shape=unsigned(len(self.i1.payload)), depth=self.words, init=[])
        m.submodules.factors = memory
        reader, writer = memory.read_port(domain="comb"), memory.write_port()
        word, first, ends = Signal(range(self.words)), Signal(), Signal()
        m.d.comb += [
            first.eq(times == 0), ends.eq(word == self.words - 1),
            reader.addr.eq(word), writer.addr.eq(word), writer.en.eq(fire & first), writer.data.eq(self.i1.payload),
        ]
        with m.If(fire):
            m.d.sync += word.eq(Mux(ends, 0, word + 1))
        return Mux(first, self.i1.payload, reader.data), self.i1.valid | ~first, first, ends


class ProductUnit(ReducingUnit):
    """Every pair of beats multiplied, through the stages."""

    def __init__(self, layer: Multiply):
        self.types, self.counts = layer.input_types, (layer.lanes, layer.lanes_from(1))
        bits = sum(kind.width * count for kind, count in zip(self.types, self.counts, strict=True))
        super().__init__(1, 1, FixedType(bits, 0, False), layer.accumulator, layer.lanes, layer.stages)

    def reduced(self, m: Module, pipeline: Pipeline, codes: Sequence[Value]) -> list[Value]:
        """The products, between two registers, so that multiplier blocks take these in."""
        (pair,), parts, at = codes, [], 0
        for kind, count in zip(self.types, self.counts, strict=True):
            parts.append([pipeline.register(code_of(pair[at + lane * kind.width: at + (lane + 1) * kind.width], kind))
                          for lane in range(count)])
            at += kind.width * count
        pipeline.advance()
        values, factors = parts
        products: list[Value] = [
            pipeline.register(as_type(value * factors[lane % len(factors)], self.accumulator))
            for lane, value in enumerate(values)]
        pipeline.advance()
        return products
