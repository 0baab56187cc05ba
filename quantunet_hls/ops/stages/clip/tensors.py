"""Limits on tensors."""

from __future__ import annotations

from quantunet_hls.ops.stages.clip.stage import Clip
from quantunet_hls.ops.tensors.codes import Chain, Clamp, Codes, Operation, Scale
from quantunet_hls.ops.tensors.kernel import StageTensors

__all__ = ["FACET"]


def _compile(stage: Clip, given: Codes) -> Chain:
    operations: list[Operation] = []
    aligned = given.times(stage.type.fraction - given.fraction)
    if aligned.fraction != given.fraction:
        operations.append(Scale(aligned.fraction - given.fraction))
    low, high = (min(max(end, stage.low), stage.high) for end in (aligned.low, aligned.high))
    if (low, high) != (aligned.low, aligned.high):
        operations.append(Clamp(stage.low, stage.high))
    return Chain(tuple(operations), Codes(low, high, aligned.fraction),
                 max(aligned.magnitude, abs(stage.low), abs(stage.high)))


FACET = StageTensors(_compile)
