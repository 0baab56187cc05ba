"""The facets of streaming layers and of stages, found by the room's name; each is imported when it is asked for.

A room's module has the functions of its facet's protocol below; the contract test of the operators' table calls
them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.ops.table import facet
from quantunet_hls.types.fixed import FixedType

if TYPE_CHECKING:
    from amaranth.hdl import Value
    from amaranth.lib.wiring import Component

    from quantunet_hls.ops.hardware.pipeline import Pipeline

__all__ = ["Components", "LayerUnit", "StageUnit", "layer_unit", "stage_unit"]

#: The hardware of a layer by name, in the order of the stream. The first has an input for each source, ``i`` or
#: ``i0``, ``i1``...; all others take in what the one before puts out.
Components = Mapping[str, "Component"]

L = TypeVar("L", bound=StreamLayer, contravariant=True)
S = TypeVar("S", bound=Stage, contravariant=True)


class LayerUnit(Protocol[L]):
    """The module ``unit`` of an operator's room."""

    def components(self, layer: L) -> Components:
        """Its hardware, between streams of ``layer.input_lanes`` and of ``layer.lanes`` channels a beat."""


class StageUnit(Protocol[S]):
    """The module ``unit`` of a stage's room."""

    def staged(self, pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: S) -> list[Value]:
        """Every lane, of ``source``, through the stage, registered; as many registers for all lanes."""


def layer_unit(layer: L) -> LayerUnit[L]:
    """What makes a layer's hardware."""
    return cast("LayerUnit[L]", facet(layer.room, "unit"))


def stage_unit(stage: S) -> StageUnit[S]:
    """What makes a stage's hardware."""
    return cast("StageUnit[S]", import_module(f"quantunet_hls.ops.stages.{stage.kind}.unit"))
