"""hls4ml's concatenation: a pixel of each source, then one that goes out."""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import LayerCpp
from quantunet_hls.ops.cpp.loops import pixelwise

__all__ = ["FACET"]

FACET = LayerCpp(pixelwise)
