"""Two streams added: a beat of each makes a pair, and the sums go through the stages with the other units' credits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring

from quantunet_hls.ops.add.stream import Add
from quantunet_hls.ops.hardware.beats import code_of
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.reduce import ReducingUnit
from quantunet_hls.ops.hardware.requantize import as_type, extended, shape_of, shifted_left
from quantunet_hls.ops.hardware.streams import stream_in, stream_out
from quantunet_hls.ops.unit import Components, LayerUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET", "AddUnit", "PairUnit"]


def _components(layer: Add) -> Components:
    """The pairs, and the unit that adds them."""
    return {"pair": PairUnit(layer.lanes, layer.input_types, layer.aligned), "add": AddUnit(layer)}


FACET = LayerUnit(_components)


class PairUnit(wiring.Component):
    """In: beats of two streams. Out: a beat for each two, all codes of the first before those of the second, aligned.

    It holds nothing: neither stream moves before the other has a beat.
    """

    def __init__(self, lanes: int, sources: tuple[FixedType, FixedType], aligned: FixedType):
        self.lanes, self.sources, self.aligned = lanes, sources, aligned
        one, other = sources
        super().__init__({"i0": stream_in(lanes * one.width), "i1": stream_in(lanes * other.width),
                          "o": stream_out(2 * lanes * aligned.width)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        streams = (self.i0, self.i1)
        m.d.comb += [
            self.o.payload.eq(Cat(*(self._aligned(stream.payload[lane * kind.width: (lane + 1) * kind.width], kind)
                                    for stream, kind in zip(streams, self.sources, strict=True)
                                    for lane in range(self.lanes)))),
            self.o.valid.eq(self.i0.valid & self.i1.valid),
            self.i0.ready.eq(self.o.ready & self.i1.valid),
            self.i1.ready.eq(self.o.ready & self.i0.valid),
        ]
        return m

    def _aligned(self, code: Value, kind: FixedType) -> Value:
        """A code in bits of the common type."""
        shifted = shifted_left(code_of(code, kind), self.aligned.fraction - kind.fraction)
        return as_type(extended(shifted, self.aligned.width), self.aligned)


class AddUnit(ReducingUnit):
    """Every pair of beats added, through the stages."""

    def __init__(self, layer: Add):
        super().__init__(1, 2 * layer.lanes, layer.aligned, layer.accumulator, layer.lanes, layer.stages)

    def reduced(self, m: Module, pipeline: Pipeline, codes: Sequence[Value]) -> list[Value]:
        """The sums, registered."""
        values: list[Value] = []
        half = self.lanes // 2
        for lane, (one, other) in enumerate(zip(codes[:half], codes[half:], strict=True)):
            held = Signal(shape_of(self.accumulator), name=f"held_{lane}", reset_less=True)
            with m.If(pipeline.flags["valid"]):
                m.d.sync += held.eq(one + other)
            values.append(held)
        pipeline.advance()
        return values
