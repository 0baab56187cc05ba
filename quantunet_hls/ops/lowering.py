"""The form of the facet ``stream``: from a layer of the typed network to a layer of the stream graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.shape import Sides
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.ops.table import facet

__all__ = ["LayerLowering", "Source", "layer_lowering"]

L = TypeVar("L", bound=Layer)


@dataclass(frozen=True, eq=False)
class Source:
    """What a layer reads.

    Attributes:
        layer: whose stream it is.
        padding: zeros around the image that are not in the stream; who reads it puts them there. Less than none where
            zeros are in the stream that the reader has as its own padding.
    """

    layer: StreamLayer
    padding: Sides = (0, 0, 0, 0)


def _no_room(_layer: Layer) -> Sides | None:
    return (0, 0, 0, 0)


@dataclass(frozen=True)
class LayerLowering(Generic[L]):
    """The facet ``stream`` of an operator.

    Attributes:
        lowered: from a layer, the name of what is made of it and what it reads to a layer of the stream graph, with
            one lane; or, of a layer that needs no hardware, to what its readers read instead. Raises
            IllegalGraphError where there is no hardware that computes the same.
        room: how many zeros a layer can put around what it reads, beside its own; less than none where even those are
            too many. None where it takes any number. What it can't take gets into the stream.
        one_type: whether what it reads has to have its result's type, and is cast where it has another.
        assigns: whether hls4ml's C++ assigns to that type what has it already, so that the lowest code of a
            symmetrical one does not occur.
    """

    lowered: Callable[[L, str, Sequence[Source]], StreamLayer | Source]
    room: Callable[[L], Sides | None] = _no_room
    one_type: bool = False
    assigns: bool = False


def layer_lowering(layer: L) -> LayerLowering[L]:
    """What lowers a layer."""
    found: LayerLowering[L] = facet(layer.kind, "stream", LayerLowering)
    return found
