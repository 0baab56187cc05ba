"""Stages on a stream, value by value, with the credits of the other units."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Signal, Value

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.reduce import ReducingUnit
from quantunet_hls.ops.hardware.requantize import shape_of
from quantunet_hls.ops.pointwise.stream import Pointwise
from quantunet_hls.ops.unit import Components, LayerUnit

__all__ = ["FACET", "PointwiseUnit"]


def _components(layer: Pointwise) -> Components:
    """The unit alone."""
    return {"pointwise": PointwiseUnit(layer)}


FACET = LayerUnit(_components)


class PointwiseUnit(ReducingUnit):
    """Every beat by itself through the stages."""

    def __init__(self, layer: Pointwise):
        super().__init__(1, layer.lanes, layer.input_type, layer.input_type, layer.lanes, layer.stages)

    def reduced(self, m: Module, pipeline: Pipeline, codes: Sequence[Value]) -> list[Value]:
        """The values, registered."""
        values: list[Value] = []
        for lane, value in enumerate(codes):
            held = Signal(shape_of(self.accumulator), name=f"held_{lane}", reset_less=True)
            with m.If(pipeline.flags["valid"]):
                m.d.sync += held.eq(value)
            values.append(held)
        pipeline.advance()
        return values
