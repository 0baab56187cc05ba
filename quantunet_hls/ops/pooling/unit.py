"""The pooling unit: the largest value or the exact sum of each window, ``lanes`` channels side by side.

It reads windows channel group by channel group (see
:class:`~quantunet_hls.ops.hardware.window.WindowGenerator` with ``channelwise``), so one register a lane is enough.
"""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.reduce import ReducingUnit
from quantunet_hls.ops.hardware.requantize import shape_of
from quantunet_hls.ops.hardware.window import line_buffers
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.unit import Components, LayerUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET", "PoolUnit"]


def _components(layer: Pooling) -> Components:
    """The line buffer and the unit behind it."""
    return {**line_buffers(layer), "pool": PoolUnit(layer.operation, layer.window.taps, layer.lanes, layer.input_type,
                                                    layer.accumulator, layer.stages)}


FACET = LayerUnit(_components)


class PoolUnit(ReducingUnit):
    """In: ``taps`` beats a window and channel group. Out: one beat for them."""

    def __init__(self, operation: str, taps: int, lanes: int, source: FixedType, accumulator: FixedType,
                 stages: Sequence[Stage]):
        self.operation = operation
        super().__init__(taps, lanes, source, accumulator, lanes, stages)

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
