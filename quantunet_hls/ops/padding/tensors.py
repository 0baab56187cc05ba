"""Padding and cropping on tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quantunet_hls.ops.padding.layer import Padding
from quantunet_hls.ops.tensors.codes import Codes
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, compile_stages, exact_in

__all__ = ["FACET"]


def _compile(layer: Padding, given: Sequence[Operand], device: torch.device) -> Kernel:
    chain = compile_stages(given[0].codes, layer.stages)
    work, kept = exact_in(layer, chain.peak), exact_in(layer, chain.result.magnitude)
    top, bottom, left, right = layer.padding

    def run(tensors: Sequence[Tensor]) -> Tensor:
        padded = torch.nn.functional.pad(tensors[0].to(work), (left, right, top, bottom, *layer.channels))
        return chain(padded).to(kept).contiguous(memory_format=torch.channels_last)

    codes = chain.result
    return Kernel(run, Codes(min(codes.low, 0), max(codes.high, 0), codes.fraction))


FACET = LayerTensors(_compile)
