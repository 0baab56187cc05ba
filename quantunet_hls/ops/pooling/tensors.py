"""Pooling on tensors: one slice of the image for each tap of the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from quantunet_hls.ops.pooling.layer import Pooling
from quantunet_hls.ops.tensors.codes import Codes, assign
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, compile_stages, exact_in, own
from quantunet_hls.types.fixed import FixedType, covering

__all__ = ["FACET"]


def _compile(layer: Pooling, given: Sequence[Operand], device: torch.device) -> Kernel:
    entry = assign(given[0].codes, layer.accumulator, own_step=layer.mean)
    source = given[0].layer.shape
    # Its accumulator holds every sum, so their order is no matter.
    whole = layer.window == (source.height, source.width) and not any(layer.padding) and layer.accumulator.holds(
        covering(source.pixels * entry.result.low, source.pixels * entry.result.high, entry.result.fraction))
    merge: Callable[[Sequence[Tensor]], Tensor]
    if layer.mean:
        taps = layer.window[0] * layer.window[1]
        merged, codes, peak = (_whole_sum if whole else _tree_sum)(entry.result, layer.accumulator, taps)
        low, high = (abs(end) // taps * (1 if end > 0 else -1) for end in (codes.low, codes.high))
        chain = compile_stages(Codes(low, high, codes.fraction), layer.stages)
        peak = max(peak, entry.peak, chain.peak)

        def merge(parts: Sequence[Tensor]) -> Tensor:
            # C++ divides whole numbers, towards zero. Below 2**24 (2**53) a float's quotient, though rounded,
            # never reaches the next whole number.
            return merged(parts).div_(taps).trunc_()
    else:
        chain = compile_stages(entry.result, layer.stages)
        peak = max(entry.peak, chain.peak)
        merge = (lambda parts: parts[0].amax((2, 3), keepdim=True)) if whole else _largest
    work, kept = exact_in(layer, peak), exact_in(layer, chain.result.magnitude)

    def run(tensors: Sequence[Tensor]) -> Tensor:
        x = tensors[0].to(work)
        if entry.operations:
            x = entry(own(x, work))
        return chain(merge([x] if whole else _windows(x, layer, entry.result.low))).to(kept)

    return Kernel(run, chain.result)


def _windows(x: Tensor, layer: Pooling, least: int) -> list[Tensor]:
    """The values under each tap of the windows; rows first. Padding is 0 to a mean, else ``least``."""
    top, bottom, left, right = layer.padding
    if any(layer.padding):
        x = torch.nn.functional.pad(x, (left, right, top, bottom), value=0 if layer.mean else least)
    (rows, columns), (down, across) = layer.window, layer.stride
    height, width = (layer.shape.height - 1) * down + 1, (layer.shape.width - 1) * across + 1
    return [x[:, :, row: row + height: down, column: column + width: across]
            for row in range(rows) for column in range(columns)]


def _largest(parts: Sequence[Tensor]) -> Tensor:
    result = parts[0].clone() if len(parts) == 1 else torch.maximum(parts[0], parts[1])
    for part in parts[2:]:
        torch.maximum(result, part, out=result)
    return result


def _whole_sum(given: Codes, _accumulator: FixedType, taps: int) -> tuple[Callable[[Sequence[Tensor]], Tensor],
                                                                         Codes, int]:
    """Sum of all pixels of an image."""
    codes = Codes(taps * given.low, taps * given.high, given.fraction)
    return (lambda parts: parts[0].sum((2, 3), keepdim=True)), codes, codes.magnitude


def _tree_sum(given: Codes, accumulator: FixedType, taps: int) -> tuple[Callable[[Sequence[Tensor]], Tensor],
                                                                      Codes, int]:
    """Sum of so many tensors as ``nnet::reduce`` adds them: halves of a power of two, each sum assigned."""
    if taps == 1:
        return (lambda parts: parts[0].clone()), given, given.magnitude
    left_taps = 1 << ((taps - 1).bit_length() - 1)
    left, left_codes, left_peak = _tree_sum(given, accumulator, left_taps)
    right, right_codes, right_peak = _tree_sum(given, accumulator, taps - left_taps)
    both = Codes(left_codes.low + right_codes.low, left_codes.high + right_codes.high, given.fraction)
    chain = assign(both, accumulator)
    return (lambda parts: chain(left(parts[:left_taps]).add_(right(parts[left_taps:]))), chain.result,
            max(left_peak, right_peak, both.magnitude, chain.peak))


FACET = LayerTensors(_compile)
