"""Quotients on tensors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from quantunet_hls.ops.stages.quotient.stage import Quotient
from quantunet_hls.ops.tensors.codes import Chain, Codes
from quantunet_hls.ops.tensors.kernel import StageTensors

__all__ = ["FACET"]


@dataclass(frozen=True)
class _Divide:
    """Whole numbers, towards zero: below 2**24 (2**53) a float's quotient, though rounded, never reaches the next."""

    gain: float
    divisor: int

    def __call__(self, x: Tensor) -> Tensor:
        return x.mul_(self.gain).div_(self.divisor).trunc_()


def _compile(stage: Quotient, given: Codes) -> Chain:
    aligned = given.times(stage.type.fraction - given.fraction)
    low, high = (abs(end) // stage.divisor * (1 if end > 0 else -1) for end in (aligned.low, aligned.high))
    return Chain((_Divide(2.0 ** (aligned.fraction - given.fraction), stage.divisor),),
                 Codes(low, high, aligned.fraction), aligned.magnitude)


FACET = StageTensors(_compile)
