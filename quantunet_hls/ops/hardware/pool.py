"""The pooling unit: the largest value or the exact sum of each window, ``lanes`` channels side by side.

It reads windows channel group by channel group (see :class:`WindowGenerator`
with ``channelwise``), so one register a lane is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring

from quantunet_hls.ops.hardware.matvec import _code, _count_beats
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import requantize, shape_of
from quantunet_hls.ops.hardware.streams import Fifo, connect, stream_in, stream_out
from quantunet_hls.ops.streaming import Step
from quantunet_hls.types.fixed import FixedType

__all__ = ["PoolUnit", "ReducingUnit"]


class ReducingUnit(wiring.Component):
    """In: ``beats`` beats that belong together. Out: one beat for them, with the credits of the other units.

    Args:
        beats: that make one.
        lanes: codes a beat that come in.
        source: their type.
        accumulator: type of what they are reduced to.
        results: codes a beat that go out.
        steps: what happens to each of them before.
    """

    def __init__(self, beats: int, lanes: int, source: FixedType, accumulator: FixedType, results: int,
                 steps: Sequence[Step]):
        self.beats, self.lanes, self.source = beats, lanes, source
        self.accumulator, self.steps = accumulator, tuple(steps)
        self.result = self.steps[-1].type if self.steps else accumulator
        super().__init__({"i": stream_in(lanes * source.width), "o": stream_out(results * self.result.width)})

    def reduced(self, m: Module, pipeline: Pipeline, codes: Sequence[Value]) -> list[Value]:
        """What the beats so far reduce to, registered; the flags ``valid``, ``first`` and ``last`` say where they are.

        The pipeline is to be advanced behind the last register.
        """
        raise NotImplementedError

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        first, last, start, fire = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [self.i.ready.eq(~first | start), fire.eq(self.i.valid & self.i.ready)]
        _count_beats(m, fire, self.beats, first, last)
        pipeline = Pipeline(m, valid=fire, first=first, last=last)
        bits = self.source.width
        values = self.reduced(m, pipeline, [_code(self.i.payload[lane * bits: (lane + 1) * bits], self.source)
                                            for lane in range(self.lanes)])
        results = requantize(pipeline, values, self.accumulator, self.steps)
        depth = -(-(pipeline.stages + 1) // self.beats) + 2
        m.submodules.results = fifo = Fifo(len(self.o.payload), depth)
        m.d.comb += [
            fifo.i.payload.eq(Cat(*results)),
            fifo.i.valid.eq(pipeline.flags["valid"] & pipeline.flags["last"]),
        ]
        connect(m, fifo.o, self.o)
        credits = Signal(range(depth + 1), init=depth)
        m.d.comb += start.eq(credits != 0)
        m.d.sync += credits.eq(credits - (fire & first) + (self.o.valid & self.o.ready))
        return m


class PoolUnit(ReducingUnit):
    """In: ``taps`` beats a window and channel group. Out: one beat for them."""

    def __init__(self, operation: str, taps: int, lanes: int, source: FixedType, accumulator: FixedType,
                 steps: Sequence[Step]):
        self.operation = operation
        super().__init__(taps, lanes, source, accumulator, lanes, steps)

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
