"""Folding: how parallel each layer is."""

from quantunet_hls.folding.balance import ConvWork, balanced_reuse, frame_cycles, multipliers, valid_reuse

__all__ = ["ConvWork", "balanced_reuse", "frame_cycles", "multipliers", "valid_reuse"]
