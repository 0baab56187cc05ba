"""The class of each pixel in C++, which hls4ml lacks."""

from __future__ import annotations

from quantunet_hls.ops.argmax.class_index import CLASS_INDEX
from quantunet_hls.ops.cpp.facet import LayerCpp
from quantunet_hls.ops.cpp.loops import pixelwise

__all__ = ["FACET"]

FACET = LayerCpp(pixelwise, added=(CLASS_INDEX,))
