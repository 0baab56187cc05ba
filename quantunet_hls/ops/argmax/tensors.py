"""The class of each pixel on tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quantunet_hls.ops.argmax.layer import ArgMax
from quantunet_hls.ops.tensors.codes import Codes
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, compile_stages, exact_in

__all__ = ["FACET"]


def _compile(layer: ArgMax, given: Sequence[Operand], device: torch.device) -> Kernel:
    chain = compile_stages(Codes(0, given[0].layer.shape.channels - 1, 0), layer.stages)
    work, kept = exact_in(layer, chain.peak), exact_in(layer, chain.result.magnitude)
    return Kernel(lambda tensors: chain(_first_largest(tensors[0]).to(work)).to(kept), chain.result)


def _first_largest(x: Tensor) -> Tensor:
    """The lowest channel of those with the largest value; torch does not promise which one its argmax finds."""
    channels = torch.arange(x.shape[1], dtype=x.dtype, device=x.device)[None, :, None, None]
    beaten = x < x.amax(dim=1, keepdim=True)
    return torch.where(beaten, x.shape[1], channels).amin(dim=1, keepdim=True)


FACET = LayerTensors(_compile)
