"""hls4ml's upsampling, with the kernel of :mod:`quantunet_hls.hls.mends.resize_kernel_1168`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from quantunet_hls.folding.schedule import Actor
from quantunet_hls.ops.cpp.facet import CppFacet, CppLayer
from quantunet_hls.ops.cpp.loops import image_shape, one_clock, reading

__all__ = ["FACET"]


def _actor(layer: Any, sources: Sequence[str]) -> Actor:
    """The first copy of a row is written while the row is read, the others from a buffer."""
    height, width, _ = image_shape(layer.get_input_variable())
    tall, wide, _ = image_shape(layer.get_output_variable())
    needed = np.full((height, tall // height, width, wide // width), -1, np.int64)
    needed[:, 0, :, 0] = np.arange(height * width).reshape(height, width)
    return one_clock(layer, (reading(sources[0], height * width, needed.reshape(-1)),), needed.size)


FACET = CppFacet(layers={"Resize": CppLayer(_actor)})
