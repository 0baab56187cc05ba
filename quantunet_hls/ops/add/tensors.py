"""Two images added on tensors, at the finer of both steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quantunet_hls.ops.add.layer import Add
from quantunet_hls.ops.tensors.codes import Codes
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, compile_stages, exact_in, own

__all__ = ["FACET"]


def _compile(layer: Add, given: Sequence[Operand], device: torch.device) -> Kernel:
    fraction = max(each.codes.fraction for each in given)
    parts = [each.codes.times(fraction - each.codes.fraction) for each in given]
    total = Codes(sum(part.low for part in parts), sum(part.high for part in parts), fraction)
    chain = compile_stages(total, layer.stages)
    # What is added lies between the parts' own ends, and so does each part by itself.
    work = exact_in(layer, max(chain.peak, sum(part.magnitude for part in parts)))
    kept = exact_in(layer, chain.result.magnitude)
    one, other = (2.0 ** (fraction - each.codes.fraction) for each in given)

    def run(tensors: Sequence[Tensor]) -> Tensor:
        x = own(tensors[0], work)
        x = x if one == 1 else x.mul_(one)
        return chain(x.add_(tensors[1].to(work), alpha=other)).to(kept)

    return Kernel(run, chain.result)


FACET = LayerTensors(_compile)
