"""A cast is an activation named `linear` to hls4ml, or its reader's own type; nobody has published a report of one."""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import CppFacet

__all__ = ["FACET"]

FACET = CppFacet()
