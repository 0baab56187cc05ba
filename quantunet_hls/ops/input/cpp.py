"""hls4ml's input ports: no module, a pixel a clock."""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import CppFacet, CppLayer
from quantunet_hls.ops.cpp.loops import pixelwise

__all__ = ["FACET"]

_PORT = CppLayer(pixelwise, free=True)

FACET = CppFacet(layers={"Input": _PORT, "InputLayer": _PORT})
