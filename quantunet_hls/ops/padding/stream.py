"""Zeros around a stream's image: not in the stream, but in the line buffer of who reads it."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.padding import layer as typed

__all__ = ["FACET"]


def _lowered(layer: typed.Padding, name: str, sources: Sequence[Source]) -> Source:
    source = sources[0]
    # A type holds its own values, also the lowest one, to which symmetrical saturation would not bring any.
    if layer.type != source.layer.type and not layer.type.holds(source.layer.type):
        raise IllegalGraphError(layer.name, "its type can't hold its input", "give it the type of its input")
    top, bottom, left, right = (own + more for own, more in zip(source.padding, layer.padding, strict=True))
    return Source(source.layer, (top, bottom, left, right))


FACET = LayerLowering(_lowered, padded=True)
