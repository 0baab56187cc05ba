"""Zeros around an image: no hardware of their own, for the line buffer of who reads the image puts them there."""

from __future__ import annotations

from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.ops.unit import Components, LayerUnit

__all__ = ["FACET"]


def _components(layer: StreamLayer) -> Components:
    """None."""
    return {}


FACET = LayerUnit(_components)
