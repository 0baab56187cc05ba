"""Transposed convolutions whose kernel is their stride: no two pixels share a product, and no zero needs one.

Every pixel becomes a block of pixels, each the pixel times its own tap of the
kernel. So the taps are the filters of a convolution of one pixel, whose results are
the block's pixels side by side (Shi et al., arXiv 1609.07009, of any transposed convolution).
"""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import attribute, consumers, shape_of

__all__ = ["block_of", "factor_before", "filters_of_phases"]


def factor_before(model: ModelWrapper, node: NodeProto) -> tuple[int, int]:
    """How many rows and columns lie from a pixel to the next in what a node reads, zeros between them."""
    writer = model.find_producer(node.input[0])
    if writer is None or writer.op_type != "ZeroInsertion":
        return 1, 1
    rows, columns = attribute(writer, "factor")
    return rows, columns


def block_of(model: ModelWrapper, node: NodeProto) -> int | None:
    """Rows and columns of the block that a convolution of a spread image makes of each pixel; None where they overlap.

    Args:
        model: channels last.
        node: a Conv.
    """
    block, columns = factor_before(model, node)
    if block != columns or block == 1 or len(consumers(model, node.input[0])) > 1:
        return None
    spread = model.find_producer(node.input[0])
    height, width = shape_of(model, spread.input[0])[1:3]
    pads = [block - 1, block - 1, 0, 0]
    fits = (shape_of(model, node.input[1])[1:3] == (block, block) and attribute(node, "group", 1) == 1
            and attribute(node, "strides") == [1, 1] and attribute(node, "dilations") == [1, 1]
            and attribute(node, "pads") == pads and attribute(spread, "size") == [height * block, width * block])
    return block if fits else None


def filters_of_phases(weights: np.ndarray) -> np.ndarray:
    """Filters (filters, rows, columns, channels) of the spread image as (rows * columns * filters, 1, 1, channels).

    Those of the block's first pixel come first. A pixel of the image is under a kernel's last tap where the block's
    first pixel is computed, and under its first where the last is.
    """
    filters, rows, columns, channels = weights.shape
    taps = weights[:, ::-1, ::-1].transpose(1, 2, 0, 3)
    return np.ascontiguousarray(taps.reshape(rows * columns * filters, 1, 1, channels))
