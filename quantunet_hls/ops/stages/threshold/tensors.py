"""Thresholds on tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from quantunet_hls.ops.stages.threshold.stage import Threshold
from quantunet_hls.ops.tensors.codes import Chain, Codes
from quantunet_hls.ops.tensors.kernel import StageTensors

__all__ = ["FACET"]


@dataclass(frozen=True)
class _Exceeds:
    """1 where the value exceeds a limit, in steps of its own, which need not be a whole number."""

    limit: float

    def __call__(self, x: Tensor) -> Tensor:
        # Whole numbers exceed the limit if they exceed the whole number below it.
        return (x > math.floor(self.limit)).to(x.dtype)


def _compile(stage: Threshold, given: Codes) -> Chain:
    limit = math.ldexp(stage.limit, given.fraction - stage.fraction)
    return Chain((_Exceeds(limit),), Codes(0, 1, 0), given.magnitude)


FACET = StageTensors(_compile)
