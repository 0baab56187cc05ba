"""Channels-last operators that qonnx's executor lacks (qonnx issue 100).

qonnx 1.0.0 wraps Conv, MaxPool and BatchNormalization for (batch, height, width,
channels); hls4ml's ONNX front end wants AveragePool in that domain too. And it
runs a wrapped Conv as opset 1, the number in its class's name, of which
onnxruntime warns at every node. Both are mended through qonnx's own registry of
custom operators.
"""

from __future__ import annotations

from qonnx.custom_op.channels_last.conv import Conv_v1
from qonnx.custom_op.channels_last.max_pool import MaxPool_v1
from qonnx.custom_op.registry import add_op_to_domain

from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST

__all__ = ["register"]


class Conv_v11(Conv_v1):  # noqa: N801  (qonnx reads the opset behind the underscore)
    """Conv as of ONNX opset 11."""


class AveragePool_v11(MaxPool_v1):  # noqa: N801
    """AveragePool as of ONNX opset 11; same shapes as MaxPool, and the executor runs it by its op type."""

    def verify_node(self) -> list[str]:
        """Nothing beyond what the legality check has seen to."""
        return []


def register() -> None:
    """Make the operators known to qonnx; doing so again does no harm."""
    for operator in (Conv_v11, AveragePool_v11):
        add_op_to_domain(CHANNELS_LAST, operator)
