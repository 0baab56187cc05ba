"""Zeros between the pixels of an image, and behind the last: what a transposed convolution convolves."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Module, Mux, Signal, Value
from amaranth.lib import wiring

from quantunet_hls.ops.hardware.beats import position
from quantunet_hls.ops.hardware.streams import stream_in, stream_out
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.unit import Components, LayerUnit
from quantunet_hls.ops.zero_insertion.stream import ZeroInsertion

__all__ = ["FACET", "ZeroInsertionUnit"]


def _components(layer: ZeroInsertion) -> Components:
    """The unit alone."""
    return {"zeros": ZeroInsertionUnit(layer.input_shape, layer.shape, layer.type.width, layer.lanes, layer.factor)}


FACET = LayerUnit(_components)


class ZeroInsertionUnit(wiring.Component):
    """Passes pixels through at their places and sends zeros at all others; one beat a clock, no buffer.

    Args:
        source, target: shapes of what comes in and goes out.
        bits: of a code.
        lanes: channels a beat.
        factor: rows and columns from one pixel to the next.
    """

    def __init__(self, source: Shape, target: Shape, bits: int, lanes: int, factor: tuple[int, int]):
        self.source, self.target, self.factor = source, target, factor
        self.words = source.channels // lanes
        super().__init__({"i": stream_in(lanes * bits), "o": stream_out(lanes * bits)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        turn = Signal()
        m.d.comb += turn.eq(self.o.valid & self.o.ready)
        _, turns = position(m, "word", self.words, turn)
        holds: Value = C(1, 1)
        for name, pixels, size, factor in (("column", self.source.width, self.target.width, self.factor[1]),
                                           ("row", self.source.height, self.target.height, self.factor[0])):
            place, ends = position(m, name, size, turns)
            phase, _ = position(m, f"{name}_phase", factor, turns, restart=ends)
            holds = holds & (place <= (pixels - 1) * factor) & (phase == 0)
            turns = ends
        m.d.comb += [
            self.o.payload.eq(Mux(holds, self.i.payload, 0)),
            self.o.valid.eq(self.i.valid | ~holds),
            self.i.ready.eq(holds & self.o.ready),
        ]
        return m
