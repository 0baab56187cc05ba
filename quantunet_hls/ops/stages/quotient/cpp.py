"""hls4ml divides within its pooling."""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import CppFacet

__all__ = ["FACET"]

FACET = CppFacet()
