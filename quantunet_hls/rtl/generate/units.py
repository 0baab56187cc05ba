"""From a layer of the stream graph to its hardware: one Amaranth component a layer.

Every unit adapts the beats of its sources to the lanes that it works on, so a
unit's hardware depends on its layer and on its sources' lanes and types alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring

from quantunet_hls.ops.hardware import (
    ArgMaxUnit,
    ConcatUnit,
    DotProducts,
    MatrixVectorUnit,
    PointwiseUnit,
    PoolUnit,
    UpsampleUnit,
    WholeWindows,
    WidthAdapter,
    WindowGenerator,
    ZeroInsertionUnit,
)
from quantunet_hls.ops.hardware.matvec import depthwise_words
from quantunet_hls.ops.hardware.streams import connect, stream_in, stream_out
from quantunet_hls.ops.streaming import (
    ArgMax,
    Concat,
    Convolution,
    Depthwise,
    Layer,
    Pointwise,
    Pooling,
    StreamGraph,
    Upsample,
    Window,
    ZeroInsertion,
)

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


def sources_of(graph: StreamGraph, layer: Layer) -> tuple[SourceStream, ...]:
    """The streams that a layer reads."""
    return tuple(SourceStream(graph[name].type.width, graph[name].lanes) for name in layer.sources)


class LayerUnit(wiring.Component):
    """The hardware of one layer: streams ``i0``, ``i1``... in, ``o`` out."""

    def __init__(self, layer: Layer, sources: Sequence[SourceStream]):
        self.layer, self.sources = layer, tuple(sources)
        super().__init__({
            **{f"i{index}": stream_in(source.width) for index, source in enumerate(sources)},
            "o": stream_out(layer.type.width * layer.lanes),
        })
        self._chain = self._components()

    def _components(self) -> list[Any]:
        layer = self.layer
        if isinstance(layer, Convolution):
            return [*self._windows(layer, layer.neuron_fold, channelwise=False),
                    MatrixVectorUnit(layer.weights, layer.bias, layer.input_type, layer.accumulator, layer.steps,
                                     layer.lanes, layer.simd, multipliers=layer.multipliers)]
        if isinstance(layer, Depthwise):
            return [*self._windows(layer, 1, channelwise=True),
                    DotProducts(depthwise_words(layer.weights, layer.lanes), layer.bias.reshape(-1, layer.lanes),
                                layer.input_type, layer.accumulator, layer.steps, private_inputs=True,
                                multipliers=layer.multipliers)]
        if isinstance(layer, Pooling):
            return [*self._windows(layer, 1, channelwise=True),
                    PoolUnit(layer.operation, layer.window.taps, layer.lanes, layer.input_type, layer.accumulator,
                             layer.steps)]
        if isinstance(layer, Upsample):
            return [UpsampleUnit(layer.input_shape, layer.type.width, layer.lanes, layer.factor)]
        if isinstance(layer, ZeroInsertion):
            return [ZeroInsertionUnit(layer.input_shape, layer.shape, layer.type.width, layer.lanes, layer.factor)]
        if isinstance(layer, ArgMax):
            return [ArgMaxUnit(layer.input_shape.channels, layer.simd, layer.input_type)]
        if isinstance(layer, Pointwise):
            return [PointwiseUnit(layer.lanes, layer.input_type, layer.steps)]
        if isinstance(layer, Concat):
            return [ConcatUnit(layer.type.width * layer.lanes,
                               (layer.channels[0] // layer.lanes, layer.channels[1] // layer.lanes))]
        raise TypeError(f"a layer of kind {layer.kind!r} has no hardware")

    def _windows(self, layer: Convolution | Depthwise | Pooling, repeats: int, *, channelwise: bool) -> list[Any]:
        if layer.window == Window((1, 1)) and repeats == 1:
            return []
        rows, columns = layer.beat_taps if isinstance(layer, Convolution) else (1, 1)
        if columns > 1:
            return [WholeWindows(layer.input_shape, layer.input_type.width, layer.window, repeats=repeats,
                                 slack=layer.slack)]
        return [WindowGenerator(layer.input_shape, layer.input_type.width, layer.input_lanes, layer.window,
                                repeats=repeats, channelwise=channelwise, columns=rows > 1, slack=layer.slack,
                                fill=layer.fill if isinstance(layer, Pooling) else 0)]

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        adapted = []
        for index, source in enumerate(self.sources):
            stream = getattr(self, f"i{index}")
            if source.lanes != self.layer.input_lanes:
                adapter = WidthAdapter(source.bits, source.lanes, self.layer.input_lanes)
                m.submodules[f"adapter_{index}"] = adapter
                connect(m, stream, adapter.i)
                stream = adapter.o
            adapted.append(stream)
        if isinstance(self.layer, Concat):
            m.submodules.concat = concat = self._chain[0]
            connect(m, adapted[0], concat.i0)
            connect(m, adapted[1], concat.i1)
            current = concat.o
        else:
            current = adapted[0]
            for component in self._chain:
                m.submodules[_name(component)] = component
                connect(m, current, component.i)
                current = component.o
        connect(m, current, self.o)
        return m


def _name(component: Any) -> str:
    return {WindowGenerator: "window", WholeWindows: "window", MatrixVectorUnit: "products",
            DotProducts: "products", PoolUnit: "pool", PointwiseUnit: "pointwise", UpsampleUnit: "upsample",
            ZeroInsertionUnit: "zeros", ArgMaxUnit: "argmax"}[type(component)]
