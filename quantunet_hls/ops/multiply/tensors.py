"""Two images multiplied on tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quantunet_hls.ops.multiply.layer import Multiply
from quantunet_hls.ops.tensors.codes import Codes
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, compile_stages, exact_in, own

__all__ = ["FACET"]


def _compile(layer: Multiply, given: Sequence[Operand], device: torch.device) -> Kernel:
    one, other = (each.codes for each in given)
    ends = [a * b for a in (one.low, one.high) for b in (other.low, other.high)]
    chain = compile_stages(Codes(min(ends), max(ends), one.fraction + other.fraction), layer.stages)
    work = exact_in(layer, max(chain.peak, one.magnitude, other.magnitude))
    kept = exact_in(layer, chain.result.magnitude)

    def run(tensors: Sequence[Tensor]) -> Tensor:
        return chain(own(tensors[0], work).mul_(tensors[1].to(work))).to(kept)

    return Kernel(run, chain.result)


FACET = LayerTensors(_compile)
