"""ONNX has no node for where images enter; the first quantizer gives the port its type."""

from __future__ import annotations

from quantunet_hls.ops.qonnx.node_kinds import OnnxNodes

__all__ = ["FACET"]

FACET = OnnxNodes()
