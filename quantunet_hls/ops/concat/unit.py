"""The channels of two streams, one behind the other: their beats in turn."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring

from quantunet_hls.ops.concat.stream import Concat
from quantunet_hls.ops.hardware.streams import stream_in, stream_out
from quantunet_hls.ops.unit import Components, LayerUnit

__all__ = ["FACET", "ConcatUnit"]


def _components(layer: Concat) -> Components:
    """The unit alone."""
    first, second = layer.channels
    return {"concat": ConcatUnit(layer.type.width * layer.lanes, (first // layer.lanes, second // layer.lanes))}


FACET = LayerUnit(_components)


class ConcatUnit(wiring.Component):
    """Pixel by pixel ``beats[0]`` beats of the first stream, then ``beats[1]`` of the second."""

    def __init__(self, width: int, beats: tuple[int, int]):
        self.beats = beats
        super().__init__({"i0": stream_in(width), "i1": stream_in(width), "o": stream_out(width)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        count = Signal(range(sum(self.beats)))
        second = Signal()
        for chosen, source in enumerate((self.i0, self.i1)):
            with m.If(second == chosen):
                m.d.comb += [
                    self.o.payload.eq(source.payload),
                    self.o.valid.eq(source.valid),
                    source.ready.eq(self.o.ready),
                ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += count.eq(count + 1)
            with m.If(count == self.beats[0] - 1):
                m.d.sync += second.eq(1)
            with m.If(count == sum(self.beats) - 1):
                m.d.sync += [count.eq(0), second.eq(0)]
        return m
