"""A division is part of ONNX's ``AveragePool``, and no node of its own."""

from __future__ import annotations

from quantunet_hls.ops.qonnx.node_kinds import OnnxNodes

__all__ = ["FACET"]

FACET = OnnxNodes()
