"""Where frames come in: a port of the top module, and so no hardware of its own."""

from __future__ import annotations

from quantunet_hls.ops.facets import Components
from quantunet_hls.ops.input.stream import Input

__all__ = ["components"]


def components(layer: Input) -> Components:
    """None."""
    return {}
