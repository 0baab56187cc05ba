"""Pixels between pixels on tensors: two slices of the image, weighted and added."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quantunet_hls.ops.interpolation.layer import Interpolation
from quantunet_hls.ops.tensors.codes import Codes, assign
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, compile_stages, exact_in

__all__ = ["FACET"]


def _compile(layer: Interpolation, given: Sequence[Operand], device: torch.device) -> Kernel:
    codes, parts = given[0].codes, layer.places.parts
    exponent = layer.divisor.bit_length() - 1
    divides = layer.divisor != 1 << exponent
    total = Codes(codes.low * parts, codes.high * parts, codes.fraction + (0 if divides else exponent))
    entry = assign(total, layer.accumulator, own_step=divides)
    low, high = (abs(end) // (layer.divisor if divides else 1) * (1 if end > 0 else -1)
                 for end in (entry.result.low, entry.result.high))
    chain = compile_stages(Codes(low, high, entry.result.fraction), layer.stages)
    peak = max(entry.peak, chain.peak, total.magnitude, codes.magnitude * parts)
    work, kept = exact_in(layer, peak), exact_in(layer, chain.result.magnitude)
    before, behind, weight = (torch.from_numpy(places).to(device) for places in layer.places.between())
    # Axes of a tensor are images, channels, height, width.
    axis = 2 + layer.axis
    shares = weight.to(work).reshape((-1, 1) if layer.axis == 0 else (-1,))

    def run(tensors: Sequence[Tensor]) -> Tensor:
        x = tensors[0].to(work)
        sums = x.index_select(axis, before).mul_(parts - shares).add_(x.index_select(axis, behind).mul_(shares))
        sums = entry(sums.contiguous(memory_format=torch.channels_last))
        # C++ divides whole numbers, towards zero. Below 2**24 (2**53) a float's quotient, though rounded, never
        # reaches the next whole number.
        return chain(sums.div_(layer.divisor).trunc_() if divides else sums).to(kept)

    return Kernel(run, chain.result)


FACET = LayerTensors(_compile)
