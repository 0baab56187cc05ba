"""LeakyReLU on tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu
from quantunet_hls.ops.tensors.codes import Chain, Codes, assign
from quantunet_hls.ops.tensors.kernel import StageTensors

__all__ = ["FACET"]


@dataclass(frozen=True)
class _Leaky:
    slope: int
    positive: Chain
    negative: Chain

    def __call__(self, x: Tensor) -> Tensor:
        below = self.negative(x.clamp(max=0).mul_(self.slope))
        above = self.positive(x.clamp(min=0))
        return torch.where(x > 0, above, below)


def _compile(stage: LeakyRelu, given: Codes) -> Chain:
    scaled = (min(given.low, 0) * stage.slope, min(given.high, 0) * stage.slope)
    below = Codes(min(*scaled, 0), max(*scaled, 0), given.fraction + stage.slope_fraction)
    negative = assign(below, stage.type, own_step=True)
    positive = assign(Codes(0, max(given.high, 0), given.fraction), stage.type, own_step=True)
    result = Codes(min(negative.result.low, positive.result.low, 0), max(negative.result.high, positive.result.high, 0),
                   stage.type.fraction)
    return Chain((_Leaky(stage.slope, positive, negative),), result,
                 max(given.magnitude, negative.peak, positive.peak))


FACET = StageTensors(_compile)
