"""Where frames come in: a port of the top module, and so no hardware of its own."""

from __future__ import annotations

from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.unit import Components, LayerUnit

__all__ = ["FACET"]


def _components(layer: Input) -> Components:
    """None."""
    return {}


FACET = LayerUnit(_components)
