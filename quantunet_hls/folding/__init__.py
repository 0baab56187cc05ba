"""Folding: how parallel each layer is."""

from quantunet_hls.folding.balance import (
    ConvWork,
    balanced_reuse,
    frame_cycles,
    multipliers,
    reuse_within,
    valid_reuse,
)
from quantunet_hls.folding.goal import Goal

__all__ = ["ConvWork", "Goal", "balanced_reuse", "frame_cycles", "multipliers", "reuse_within", "valid_reuse"]
