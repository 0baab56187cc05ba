"""Upsampling on tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, cpp_has_one_type
from quantunet_hls.ops.upsample.layer import Upsample

__all__ = ["FACET"]


def _compile(layer: Upsample, given: Sequence[Operand], device: torch.device) -> Kernel:
    return Kernel(lambda tensors: _repeat(tensors[0], layer.factor), given[0].codes)


def _repeat(x: Tensor, factor: tuple[int, int]) -> Tensor:
    rows, columns = factor
    images, channels, height, width = x.shape
    pixels = x.permute(0, 2, 3, 1)[:, :, None, :, None, :]
    copies = pixels.expand(images, height, rows, width, columns, channels)
    return copies.reshape(images, height * rows, width * columns, channels).permute(0, 3, 1, 2)


FACET = LayerTensors(_compile, cpp_has_one_type)
