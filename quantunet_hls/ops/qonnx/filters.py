"""The kernels of a node with weights as filters."""

from __future__ import annotations

from onnx import NodeProto

__all__ = ["filter_axis"]


def filter_axis(node: NodeProto) -> int:
    """The axis of its weights that counts filters."""
    return 1 if node.op_type == "ConvTranspose" else 0
