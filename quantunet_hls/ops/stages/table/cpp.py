"""A table in C++: a pixel in, a pixel out; nobody has published a report of one."""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import CppFacet, CppLayer
from quantunet_hls.ops.cpp.loops import pixelwise
from quantunet_hls.ops.stages.table.value_table import VALUE_TABLE

__all__ = ["FACET"]

FACET = CppFacet(layers={"ValueTable": CppLayer(pixelwise)}, added=(VALUE_TABLE,))
