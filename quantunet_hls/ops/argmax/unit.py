"""The class of each pixel: the channel with the largest value, the lowest one where several are equal."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value

from quantunet_hls.ops.argmax.stream import ArgMax
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.reduce import ReducingUnit
from quantunet_hls.ops.hardware.requantize import shape_of
from quantunet_hls.ops.unit import Components, LayerUnit
from quantunet_hls.types.fixed import FixedType, covering

__all__ = ["FACET", "ArgMaxUnit"]


def _components(layer: ArgMax) -> Components:
    """The unit alone."""
    return {"argmax": ArgMaxUnit(layer.input_shape.channels, layer.simd, layer.input_type)}


FACET = LayerUnit(_components)


class ArgMaxUnit(ReducingUnit):
    """In: ``channels / lanes`` beats a pixel. Out: one beat, the index.

    A registered tree compares the lanes of a beat, and a register holds the best of the beats so far.
    """

    def __init__(self, channels: int, lanes: int, source: FixedType):
        super().__init__(channels // lanes, lanes, source, covering(0, channels - 1), 1, ())

    def reduced(self, m: Module, pipeline: Pipeline, codes: Sequence[Value]) -> list[Value]:
        """The index of the largest value so far."""
        ranks: list[tuple[Value, Value]] = [(code, Value.cast(index)) for index, code in enumerate(codes)]
        while len(ranks) > 1:
            ranks = [_better(pipeline, *ranks[index: index + 2]) for index in range(0, len(ranks), 2)]
            pipeline.advance()
        (value, index), = ranks
        valid, first = pipeline.flags["valid"], pipeline.flags["first"]
        largest = Signal(shape_of(self.source), reset_less=True)
        best = Signal(shape_of(self.accumulator), reset_less=True)
        base = Signal(range(self.beats * self.lanes))
        with m.If(valid):
            # Only a larger value takes over, so the lowest of equal ones stays.
            with m.If(first | (value > largest)):
                m.d.sync += [largest.eq(value), best.eq(base + index)]
            m.d.sync += base.eq(Mux(pipeline.flags["last"], 0, base + self.lanes))
        pipeline.advance()
        return [best]


def _better(pipeline: Pipeline, left: tuple[Value, Value], right: tuple[Value, Value] | None = None
            ) -> tuple[Value, Value]:
    """The larger of two values with its index, registered; the left one of equal ones."""
    if right is None:
        return pipeline.register(left[0]), pipeline.register(left[1])
    other = right[0] > left[0]
    return (pipeline.register(Mux(other, right[0], left[0])), pipeline.register(Mux(other, right[1], left[1])))
