"""ReLU on tensors: where it can be, the clamp of its type."""

from __future__ import annotations

from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.tensors.codes import Chain, Clamp, Codes, Wrap, ZeroOutside, assign, rounding_peak
from quantunet_hls.ops.tensors.kernel import StageTensors

__all__ = ["FACET"]


def _compile(stage: Relu, given: Codes) -> Chain:
    positive = Codes(max(given.low, 0), max(given.high, 0), given.fraction)
    chain = assign(positive, stage.type)
    if given.low >= 0:
        return chain
    operations = list(chain.operations)
    if any(isinstance(operation, Wrap | ZeroOutside) for operation in operations):
        operations.insert(0, Clamp(0, None))
    elif operations and isinstance(operations[-1], Clamp):
        # Rounding keeps the order and leaves 0 alone, so one clamp at the end does for both.
        operations[-1] = Clamp(0, operations[-1].high)
    else:
        operations.append(Clamp(0, None))
    return Chain(tuple(operations), chain.result, max(chain.peak, rounding_peak(given, stage.type)))


FACET = StageTensors(_compile)
