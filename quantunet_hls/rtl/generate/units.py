"""From a layer of the stream graph to its hardware: one Amaranth component a layer.

Every unit adapts the beats of its sources to the lanes that it works on, so a
unit's hardware depends on its layer and on its sources' lanes and types alone.
What is behind the adapters comes from the operator's room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from quantunet_hls.ops.feed import MEMORY_BITS
from quantunet_hls.ops.hardware.loader import LOAD_BITS
from quantunet_hls.ops.hardware.streams import WidthAdapter, connect, stream_in, stream_out
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.ops.unit import layer_unit

__all__ = ["LayerUnit", "SourceStream", "sources_of"]


@dataclass(frozen=True)
class SourceStream:
    """What a unit must know of a stream that comes in: bits of a channel and channels a beat."""

    bits: int
    lanes: int

    @property
    def width(self) -> int:
        """Bits of a beat."""
        return self.bits * self.lanes


def sources_of(graph: StreamGraph, layer: StreamLayer) -> tuple[SourceStream, ...]:
    """The streams that a layer reads."""
    return tuple(SourceStream(source.type.width, source.lanes) for source in graph.sources_of(layer))


class LayerUnit(wiring.Component):
    """The hardware of one layer: streams ``i0``, ``i1``... in, ``o`` out.

    A layer that is loaded at start-up has the stream ``load`` besides, and hands on by ``passed`` what is not its own.
    One whose weights are in external memory has them come by ``feed``, and says by ``wrong`` that others came.
    """

    def __init__(self, layer: StreamLayer, sources: Sequence[SourceStream]):
        self.layer, self.sources = layer, tuple(sources)
        super().__init__({
            **{f"i{index}": stream_in(source.width) for index, source in enumerate(sources)},
            "o": stream_out(layer.type.width * layer.lanes),
            **({"load": stream_in(LOAD_BITS), "passed": stream_out(LOAD_BITS)} if layer.memories else {}),
            **({"feed": stream_in(MEMORY_BITS), "wrong": Out(1)} if layer.feed else {}),
        })
        self._components = layer_unit(layer).components(layer)

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        adapted = []
        for index, source in enumerate(self.sources):
            stream = getattr(self, f"i{index}")
            if source.lanes != (lanes := self.layer.lanes_from(index)):
                adapter = WidthAdapter(source.bits, source.lanes, lanes)
                m.submodules[f"adapter_{index}"] = adapter
                connect(m, stream, adapter.i)
                stream = adapter.o
            adapted.append(stream)
        for name, component in self._components.items():
            m.submodules[name] = component
            if "load" in component.signature.members:
                connect(m, self.load, component.load)
                connect(m, component.passed, self.passed)
            if "feed" in component.signature.members:
                connect(m, self.feed, component.feed)
                m.d.comb += self.wrong.eq(component.wrong)
            if len(adapted) == 1:
                connect(m, adapted[0], component.i)
            else:
                for index, stream in enumerate(adapted):
                    connect(m, stream, getattr(component, f"i{index}"))
            adapted = [component.o]
        connect(m, adapted[0], self.o)
        return m
