"""Zeros between pixels on tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quantunet_hls.ops.tensors.codes import Codes
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, cpp_has_one_type
from quantunet_hls.ops.zero_insertion.layer import ZeroInsertion

__all__ = ["FACET"]


def _compile(layer: ZeroInsertion, given: Sequence[Operand], device: torch.device) -> Kernel:
    codes = given[0].codes
    return Kernel(lambda tensors: _spread(tensors[0], layer),
                  Codes(min(codes.low, 0), max(codes.high, 0), codes.fraction))


def _spread(x: Tensor, layer: ZeroInsertion) -> Tensor:
    rows, columns = layer.factor
    spread = torch.zeros(*x.shape[:2], layer.shape.height, layer.shape.width, dtype=x.dtype, device=x.device,
                         ).contiguous(memory_format=torch.channels_last)
    spread[:, :, ::rows, ::columns][:, :, : x.shape[2], : x.shape[3]] = x
    return spread


FACET = LayerTensors(_compile, cpp_has_one_type)
