"""Pixels out of channels, on tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quantunet_hls.ops.depth_to_space.layer import DepthToSpace
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, cpp_has_one_type

__all__ = ["FACET"]


def _compile(layer: DepthToSpace, given: Sequence[Operand], device: torch.device) -> Kernel:
    def run(tensors: Sequence[Tensor]) -> Tensor:
        x = tensors[0]
        if layer.pixelwise:
            # As the other order has them: a channel's places side by side.
            places = layer.block**2
            x = x.unflatten(1, (places, -1)).transpose(1, 2).flatten(1, 2)
        return torch.nn.functional.pixel_shuffle(x, layer.block).contiguous(memory_format=torch.channels_last)

    return Kernel(run, given[0].codes)


FACET = LayerTensors(_compile, cpp_has_one_type)
