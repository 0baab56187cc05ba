"""The kernels of a node with weights as filters, in whichever order of axes it holds them."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto

from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST

__all__ = ["filter_axis", "filters_of", "weights_of"]


def filter_axis(node: NodeProto) -> int:
    """The axis of its weights that counts filters."""
    return 1 if _transposed(node) else 0


def filters_of(node: NodeProto, weights: np.ndarray) -> np.ndarray:
    """Weights as (filters, rows, columns, channels) of an ordinary convolution."""
    if _transposed(node):
        return weights[:, :, ::-1, ::-1].transpose(1, 2, 3, 0)
    return weights if node.domain == CHANNELS_LAST else weights.transpose(0, 2, 3, 1)


def weights_of(node: NodeProto, filters: np.ndarray) -> np.ndarray:
    """The way back from :func:`filters_of`."""
    if _transposed(node):
        return filters.transpose(3, 0, 1, 2)[:, :, ::-1, ::-1]
    return filters if node.domain == CHANNELS_LAST else filters.transpose(0, 3, 1, 2)


def _transposed(node: NodeProto) -> bool:
    return node.op_type == "ConvTranspose"
