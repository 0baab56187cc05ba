"""A cast is an activation named `linear` to hls4ml, or its reader's own type; nobody has published a report of one."""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import StageCpp
from quantunet_hls.ops.stages.cast.stage import Cast

__all__ = ["FACET"]

FACET: StageCpp[Cast] = StageCpp()
