"""Nothing of hls4ml's is a quotient by itself: a mean's is part of its pooling."""

from __future__ import annotations

from quantunet_hls.ops.model_graph import StageReader

__all__ = ["FACET"]

FACET = StageReader({})
