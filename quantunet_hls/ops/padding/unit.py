"""Zeros around the images of a stream, and images cut out of its images; one word a clock, no buffer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import C, Module, Mux, Signal, Value
from amaranth.lib import wiring

from quantunet_hls.ops.hardware.beats import position
from quantunet_hls.ops.hardware.streams import stream_in, stream_out
from quantunet_hls.ops.padding.layer import Span
from quantunet_hls.ops.padding.stream import Padding
from quantunet_hls.ops.unit import Components, LayerUnit

__all__ = ["FACET", "PaddingUnit"]


def _components(layer: Padding) -> Components:
    """The unit alone."""
    return {"frame": PaddingUnit(layer.lanes * layer.type.width, layer.spans)}


FACET = LayerUnit(_components)


class PaddingUnit(wiring.Component):
    """Passes on what the images before and behind both have, drops what only the former has, adds zeros to the latter.

    Args:
        width: bits of a word.
        spans: the walks over rows, columns and words of a pixel.
    """

    def __init__(self, width: int, spans: Sequence[Span]):
        self.spans = tuple(spans)
        super().__init__({"i": stream_in(width), "o": stream_out(width)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        turn = Signal()
        reads: Value = C(1, 1)
        writes: Value = C(1, 1)
        turns: Value = turn
        for name, span in zip(("word", "column", "row"), reversed(self.spans), strict=True):
            place, turns = position(m, name, span.steps, turns)
            reads = reads & _within(place, span.reads, span.steps)
            writes = writes & _within(place, span.writes, span.steps)
        m.d.comb += [
            self.o.payload.eq(Mux(reads, self.i.payload, 0)),
            self.o.valid.eq(writes & (self.i.valid | ~reads)),
            self.i.ready.eq(reads & (self.o.ready | ~writes)),
            turn.eq((self.i.valid | ~reads) & (self.o.ready | ~writes)),
        ]
        return m


def _within(place: Value, places: range, steps: int) -> Value:
    inside: Value = C(1, 1)
    if places.start > 0:
        inside = inside & (place >= places.start)
    if places.stop < steps:
        inside = inside & (place < places.stop)
    return inside
