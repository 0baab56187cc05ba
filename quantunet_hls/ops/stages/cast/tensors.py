"""Casts on tensors."""

from __future__ import annotations

from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.tensors.codes import Chain, Codes, assign
from quantunet_hls.ops.tensors.kernel import StageTensors

__all__ = ["FACET"]


def _compile(stage: Cast, given: Codes) -> Chain:
    return assign(given, stage.type)


FACET = StageTensors(_compile)
