"""A table in C++; nobody has published a report of one."""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import StageCpp
from quantunet_hls.ops.stages.table.stage import Table
from quantunet_hls.ops.stages.table.value_table import VALUE_TABLE

__all__ = ["FACET"]

FACET: StageCpp[Table] = StageCpp(added=(VALUE_TABLE,))
