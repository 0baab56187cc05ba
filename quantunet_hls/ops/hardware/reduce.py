"""Units that reduce beats to one: several beats in, a value or some out, with the credits of the other units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring

from quantunet_hls.ops.hardware.beats import code_of, count_beats
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import requantize
from quantunet_hls.ops.hardware.streams import Fifo, connect, stream_in, stream_out
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType

__all__ = ["ReducingUnit"]


class ReducingUnit(wiring.Component):
    """In: ``beats`` beats that belong together. Out: one beat for them, with the credits of the other units.

    Args:
        beats: that make one.
        lanes: codes a beat that come in.
        source: their type.
        accumulator: type of what they are reduced to.
        results: codes a beat that go out.
        stages: what happens to each of them before.
        aside: bits of a beat behind its codes.
    """

    def __init__(self, beats: int, lanes: int, source: FixedType, accumulator: FixedType, results: int,
                 stages: Sequence[Stage], aside: int = 0):
        self.beats, self.lanes, self.source = beats, lanes, source
        self.accumulator, self.stages = accumulator, tuple(stages)
        self.result = self.stages[-1].type if self.stages else accumulator
        super().__init__({"i": stream_in(lanes * source.width + aside), "o": stream_out(results * self.result.width)})

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
        count_beats(m, fire, self.beats, first, last)
        pipeline = Pipeline(m, valid=fire, first=first, last=last)
        bits = self.source.width
        values = self.reduced(m, pipeline, [code_of(self.i.payload[lane * bits: (lane + 1) * bits], self.source)
                                            for lane in range(self.lanes)])
        results = requantize(pipeline, values, self.accumulator, self.stages)
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
