"""hls4ml's input ports: no module, a pixel a clock."""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import LayerCpp
from quantunet_hls.ops.cpp.loops import pixelwise

__all__ = ["FACET"]

FACET = LayerCpp(pixelwise, free=True)
