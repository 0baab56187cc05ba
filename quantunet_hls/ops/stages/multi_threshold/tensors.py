"""Thresholds on tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.ops.tensors.codes import Chain, Codes
from quantunet_hls.ops.tensors.kernel import StageTensors

__all__ = ["FACET"]


@dataclass(frozen=True)
class _Reached:
    stage: MultiThreshold

    def __call__(self, x: Tensor) -> Tensor:
        stage = self.stage
        rows = torch.tensor(stage.thresholds, dtype=x.dtype, device=x.device)
        if stage.channels == 1:
            levels = self._levels(torch.bucketize(x.contiguous(), rows[0], right=True), stage.falls[0])
            return levels.to(x.dtype)
        # Images are (images, channels, height, width).
        values = x.movedim(-3, 0)
        reached = torch.searchsorted(rows, values.reshape(len(rows), -1).contiguous(), right=True)
        falls = torch.tensor(stage.falls, device=x.device)[:, None]
        levels = torch.where(falls, self._levels(reached, True), self._levels(reached, False))
        return levels.reshape(values.shape).movedim(0, -3).to(x.dtype)

    def _levels(self, reached: Tensor, falls: bool) -> Tensor:
        return self.stage.low + (len(self.stage.thresholds[0]) - reached if falls else reached)


def _compile(stage: MultiThreshold, given: Codes) -> Chain:
    stage = stage.reading(given.fraction)
    ends = [number for row in stage.thresholds for number in (row[0], row[-1])]
    high = min(stage.low + len(stage.thresholds[0]), stage.type.high)
    peak = max(given.magnitude, abs(stage.low), abs(high), *map(abs, ends))
    return Chain((_Reached(stage),), Codes(stage.low, high, stage.type.fraction), peak)


FACET = StageTensors(_compile)
