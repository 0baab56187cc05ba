"""Padding by itself is hls4ml's: ONNX's ``Pad`` moves into the windows behind it, and is refused elsewhere."""

from __future__ import annotations

from quantunet_hls.ops.qonnx.node_kinds import OnnxNodes

__all__ = ["FACET"]

FACET = OnnxNodes()
