"""The pooling unit: the largest value or the exact sum of each window, ``lanes`` channels side by side.

It reads windows channel group by channel group (see :class:`WindowGenerator`
with ``channelwise``), so one register a lane is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring

from quantunet_hls.rtl.components.matvec import _code, _count_beats
from quantunet_hls.rtl.components.pipeline import Pipeline
from quantunet_hls.rtl.components.requantize import requantize, shape_of
from quantunet_hls.rtl.components.streams import Fifo, connect, stream_in, stream_out
from quantunet_hls.rtl.graph import Step
from quantunet_hls.types.fixed import FixedType

__all__ = ["PoolUnit"]


class PoolUnit(wiring.Component):
    """In: ``taps`` beats a window and channel group. Out: one beat for them."""

    def __init__(self, operation: str, taps: int, lanes: int, source: FixedType, accumulator: FixedType,
                 steps: Sequence[Step]):
        self.operation, self.taps, self.lanes = operation, taps, lanes
        self.source, self.accumulator, self.steps = source, accumulator, tuple(steps)
        self.result = self.steps[-1].type if self.steps else accumulator
        super().__init__({"i": stream_in(lanes * source.width), "o": stream_out(lanes * self.result.width)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        first, last, start, fire = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [self.i.ready.eq(~first | start), fire.eq(self.i.valid & self.i.ready)]
        _count_beats(m, fire, self.taps, first, last)
        pipeline = Pipeline(m, valid=fire, last=last)
        values = []
        bits = self.source.width
        for lane in range(self.lanes):
            value = _code(self.i.payload[lane * bits: (lane + 1) * bits], self.source)
            held = Signal(shape_of(self.accumulator), name=f"held_{lane}", reset_less=True)
            merged = Mux(value > held, value, held) if self.operation == "max" else held + value
            with m.If(fire):
                m.d.sync += held.eq(Mux(first, value, merged))
            values.append(held)
        pipeline.advance()
        results = requantize(pipeline, values, self.accumulator, self.steps)
        depth = -(-(pipeline.stages + 1) // self.taps) + 2
        m.submodules.results = fifo = Fifo(self.lanes * self.result.width, depth)
        m.d.comb += [
            fifo.i.payload.eq(Cat(*results)),
            fifo.i.valid.eq(pipeline.flags["valid"] & pipeline.flags["last"]),
        ]
        connect(m, fifo.o, self.o)
        credits = Signal(range(depth + 1), init=depth)
        m.d.comb += start.eq(credits != 0)
        m.d.sync += credits.eq(credits - (fire & first) + (self.o.valid & self.o.ready))
        return m
