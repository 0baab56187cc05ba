"""No activation of hls4ml's is a threshold: it is what the classes of a single channel are read as."""

from __future__ import annotations

from quantunet_hls.ops.model_graph import StageReader

__all__ = ["FACET"]

FACET = StageReader({})
