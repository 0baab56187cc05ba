"""ONNX has a node for each stage, and none for a layer of stages."""

from __future__ import annotations

from quantunet_hls.ops.qonnx.node_kinds import OnnxNodes

__all__ = ["FACET"]

FACET = OnnxNodes()
