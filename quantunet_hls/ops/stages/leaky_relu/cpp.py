"""A LeakyReLU is a parametrized activation to hls4ml; nobody has published a report of one."""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import StageCpp
from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu

__all__ = ["FACET"]

FACET: StageCpp[LeakyRelu] = StageCpp()
