"""The pooling unit: the largest value or the exact sum of each window, ``lanes`` channels side by side.

It reads windows part by part of their channels (see
:class:`~quantunet_hls.ops.hardware.window.WindowGenerator`), so one register a lane is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from quantunet_hls.ops.hardware.beats import code_of
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.reduce import ReducingUnit
from quantunet_hls.ops.hardware.requantize import as_type, extended, requantize, shape_of
from quantunet_hls.ops.hardware.streams import Fifo, connect, stream_in, stream_out
from quantunet_hls.ops.hardware.window import line_buffers
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.unit import Components, LayerUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET", "PoolUnit", "WholePoolUnit"]


def _components(layer: Pooling) -> Components:
    """The line buffer and the unit behind it; of a window that is the whole image the unit alone."""
    if layer.whole:
        return {"pool": WholePoolUnit(layer)}
    return {**line_buffers(layer), "pool": PoolUnit(layer.operation, layer.window.taps, layer.lanes, layer.input_type,
                                                    layer.accumulator, layer.stages)}


FACET = LayerUnit(_components)


class PoolUnit(ReducingUnit):
    """In: ``taps`` beats a window and channel group. Out: one beat for them."""

    def __init__(self, operation: str, taps: int, lanes: int, source: FixedType, accumulator: FixedType,
                 stages: Sequence[Stage]):
        self.operation = operation
        super().__init__(taps, lanes, source, accumulator, lanes, stages)

    def reduced(self, m: Module, pipeline: Pipeline, codes: Sequence[Value]) -> list[Value]:
        """The largest value or the sum so far, lane by lane."""
        values: list[Value] = []
        for lane, value in enumerate(codes):
            held = Signal(shape_of(self.accumulator), name=f"held_{lane}", reset_less=True)
            merged = Mux(value > held, value, held) if self.operation == "max" else held + value
            with m.If(pipeline.flags["valid"]):
                m.d.sync += held.eq(Mux(pipeline.flags["first"], value, merged))
            values.append(held)
        pipeline.advance()
        return values


class WholePoolUnit(wiring.Component):
    """In: the beats of a frame. Out: one beat for each of a pixel, while the last pixel comes in.

    What the pixels before have come to is held channel group by channel group: read, merged and written back in the
    clock in which a beat comes. A beat of the last pixel comes in only where its result has a place to go.
    """

    def __init__(self, layer: Pooling):
        self.layer = layer
        super().__init__({"i": stream_in(layer.lanes * layer.input_type.width),
                          "o": stream_out(layer.lanes * layer.type.width)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m, layer = Module(), self.layer
        fire, first, last, start = Signal(), Signal(), Signal(), Signal()
        group, pixel = Signal(range(layer.groups)), Signal(range(layer.input_shape.pixels))
        m.d.comb += [first.eq(pixel == 0), last.eq(pixel == layer.input_shape.pixels - 1),
                     self.i.ready.eq(~last | start), fire.eq(self.i.valid & self.i.ready)]
        with m.If(fire):
            m.d.sync += group.eq(group + 1)
            with m.If(group == layer.groups - 1):
                m.d.sync += [group.eq(0), pixel.eq(Mux(last, 0, pixel + 1))]
        merged = self._merged(m, fire, first, group)
        pipeline = Pipeline(m, valid=fire & last)
        values = [pipeline.register(value) for value in merged]
        pipeline.advance()
        results = requantize(pipeline, values, layer.accumulator, layer.stages)
        depth = pipeline.stages + 2
        m.submodules.results = fifo = Fifo(len(self.o.payload), depth)
        m.d.comb += [fifo.i.payload.eq(Cat(*results)), fifo.i.valid.eq(pipeline.flags["valid"])]
        connect(m, fifo.o, self.o)
        credits = Signal(range(depth + 1), init=depth)
        m.d.comb += start.eq(credits != 0)
        m.d.sync += credits.eq(credits - (fire & last) + (self.o.valid & self.o.ready))
        return m

    def _merged(self, m: Module, fire: Value, first: Value, group: Value) -> list[Value]:
        """What comes in together with what is held of the pixels before, lane by lane; it is held in its place."""
        layer, kind = self.layer, self.layer.accumulator
        m.submodules.held = memory = Memory(shape=unsigned(layer.lanes * kind.width), depth=layer.groups, init=[])
        reader, writer = memory.read_port(domain="comb"), memory.write_port()
        bits, merged = layer.input_type.width, []
        for lane in range(layer.lanes):
            value = code_of(self.i.payload[lane * bits: (lane + 1) * bits], layer.input_type)
            held = code_of(reader.data[lane * kind.width: (lane + 1) * kind.width], kind)
            both = Mux(value > held, value, held) if layer.operation == "max" else held + value
            merged.append(as_type(extended(Mux(first, value, both), kind.width), kind))
        m.d.comb += [reader.addr.eq(group), writer.addr.eq(group), writer.en.eq(fire), writer.data.eq(Cat(*merged))]
        return merged
