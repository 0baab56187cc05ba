"""Running a node on images that may lie channels last, with torch's channels-first kernels, in double precision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from onnx import NodeProto

from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST

__all__ = ["FIRST_AXES", "LAST_AXES", "biases", "in_channels_first"]

#: The axes of a channels-last image as they lie channels first, and the other way round.
FIRST_AXES, LAST_AXES = (0, 3, 1, 2), (0, 2, 3, 1)


def in_channels_first(node: NodeProto, image: np.ndarray,
                      compute: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    """What ``compute`` makes of an image in whichever order of axes the node reads it."""
    last = node.domain == CHANNELS_LAST
    given = image.transpose(FIRST_AXES) if last else image
    result = compute(torch.from_numpy(np.ascontiguousarray(given))).numpy()
    return result.transpose(LAST_AXES) if last else result


def biases(inputs: list[np.ndarray]) -> torch.Tensor | None:
    """A weighted node's third input, where it has one."""
    return torch.from_numpy(np.asarray(inputs[2], dtype=np.float64)) if len(inputs) > 2 else None
