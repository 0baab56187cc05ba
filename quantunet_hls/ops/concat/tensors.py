"""Channels side by side on tensors, brought to one step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quantunet_hls.ops.concat.layer import Concat
from quantunet_hls.ops.tensors.codes import Chain, Codes
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, compile_stages, exact_in, own

__all__ = ["FACET"]


def _compile(layer: Concat, given: Sequence[Operand], device: torch.device) -> Kernel:
    chains = [compile_stages(each.codes, layer.stages) for each in given]
    fraction = max(chain.result.fraction for chain in chains)
    ends = [chain.result.times(fraction - chain.result.fraction) for chain in chains]
    codes = Codes(min(end.low for end in ends), max(end.high for end in ends), fraction)
    work = exact_in(layer, max(codes.magnitude, *(chain.peak for chain in chains)))
    kept = exact_in(layer, codes.magnitude)
    gains = [2.0 ** (fraction - chain.result.fraction) for chain in chains]

    def part(x: Tensor, chain: Chain, gain: float) -> Tensor:
        x = chain(own(x, work)) if chain.operations else x.to(work)
        return x if gain == 1 else x * gain

    def run(tensors: Sequence[Tensor]) -> Tensor:
        return torch.cat([part(*each) for each in zip(tensors, chains, gains, strict=True)], dim=1).to(kept)

    return Kernel(run, codes)


FACET = LayerTensors(_compile)
