"""The form of the facet ``unit``: the hardware of a layer, and of a stage behind its sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.ops.table import facet, stage_facet
from quantunet_hls.types.fixed import FixedType

if TYPE_CHECKING:
    from amaranth.hdl import Value
    from amaranth.lib.wiring import Component

    from quantunet_hls.ops.hardware.pipeline import Pipeline

__all__ = ["Components", "LayerUnit", "StageUnit", "layer_unit", "stage_unit"]

#: The hardware of a layer by name, in the order of the stream. The first has an input for each source, ``i`` or
#: ``i0``, ``i1``...; all others take in what the one before puts out.
Components = Mapping[str, "Component"]

L = TypeVar("L", bound=StreamLayer)
S = TypeVar("S", bound=Stage)


@dataclass(frozen=True)
class LayerUnit(Generic[L]):
    """The hardware of layers of a kind.

    Attributes:
        components: of a layer, between streams of as many channels a beat as it takes from each source
            (``lanes_from``) and one of its ``lanes``.
    """

    components: Callable[[L], Components]


@dataclass(frozen=True)
class StageUnit(Generic[S]):
    """The hardware of a stage.

    Attributes:
        registered: every lane, of a type, through the stage, registered; as many registers for all lanes.
    """

    registered: Callable[[Pipeline, Sequence[Value], FixedType, S], list[Value]]


def layer_unit(layer: L) -> LayerUnit[L]:
    """What makes a layer's hardware."""
    found: LayerUnit[L] = facet(layer.room, "unit", LayerUnit)
    return found


def stage_unit(stage: S) -> StageUnit[S]:
    """What makes a stage's hardware."""
    found: StageUnit[S] = stage_facet(stage.kind, "unit", StageUnit)
    return found
