"""hls4ml divides within its pooling."""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import StageCpp
from quantunet_hls.ops.stages.quotient.stage import Quotient

__all__ = ["FACET"]

FACET: StageCpp[Quotient] = StageCpp()
