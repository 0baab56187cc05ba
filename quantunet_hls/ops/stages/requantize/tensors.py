"""Requantization on tensors: in 64-bit integers, for the products are wider than what any float holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.stages.requantize.fit import MAX_SUM_BITS
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.tensors.codes import Chain, Codes
from quantunet_hls.ops.tensors.kernel import StageTensors
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


@dataclass(frozen=True)
class _Lines:
    stage: Requantize

    def __call__(self, x: Tensor) -> Tensor:
        stage, whole = self.stage, x.to(torch.int64)
        lines = [self._dropped(whole * _of_channels(factors, x) + _of_channels(offsets, x))
                 for factors, offsets in zip(stage.factors, stage.offsets, strict=True)]
        levels = lines[0]
        if stage.splits:
            levels = torch.where(whole < _of_channels(stage.splits, x), lines[0], lines[1])
        return levels.clamp_(stage.low, stage.high).to(x.dtype)

    def _dropped(self, sums: Tensor) -> Tensor:
        shift = self.stage.shift
        if not self.stage.half_even or shift == 0:
            return sums >> shift
        # Half a step less the smallest one, and that one as well where the level below is odd: ties then go to even.
        return (sums + ((1 << (shift - 1)) - 1) + ((sums >> shift) & 1)) >> shift


def _of_channels(numbers: Sequence[int], x: Tensor) -> Tensor:
    """A number for every channel of images (images, channels, height, width), or one for all of any tensor."""
    tensor = torch.tensor(numbers, dtype=torch.int64, device=x.device)
    return tensor[0] if len(numbers) == 1 else tensor[:, None, None]


def _compile(stage: Requantize, given: Codes) -> Chain:
    stage = stage.reading(given.fraction)
    peak = max(given.magnitude, abs(stage.low), abs(stage.high))
    return Chain((_Lines(stage),), Codes(stage.low, stage.high, stage.type.fraction), peak)


def _check_cpp(stage: Requantize, given: FixedType, layer: str) -> None:
    """The kernel of the C++ counts in 64 bits."""
    low, high = stage.reading(given.fraction).sums(given.low, given.high)
    if max(-low, high) >> (MAX_SUM_BITS + 1):
        raise IllegalGraphError(layer, f"a requantizer of {given} takes more than 64 bits",
                                "quantize to fewer bits")


FACET = StageTensors(_compile, _check_cpp)
