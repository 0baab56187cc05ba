"""hls4ml's upsampling, with the kernel of :mod:`quantunet_hls.hls.mends.resize_kernel_1168`."""

from __future__ import annotations

import numpy as np

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import LayerCpp
from quantunet_hls.ops.cpp.loops import one_clock, reading
from quantunet_hls.ops.upsample.layer import Upsample

__all__ = ["FACET"]


def _actor(layer: Upsample, cpp: CppLayer) -> Actor:
    """The first copy of a row is written while the row is read, the others from a buffer."""
    (stream,) = cpp.inputs
    height, width = stream.shape.height, stream.shape.width
    rows, columns = layer.factor
    needed = np.full((height, rows, width, columns), -1, np.int64)
    needed[:, 0, :, 0] = np.arange(height * width).reshape(height, width)
    return one_clock(cpp, (reading(stream.writer, height * width, needed.reshape(-1)),), needed.size)


FACET = LayerCpp(_actor)
