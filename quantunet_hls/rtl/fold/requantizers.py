"""What makes levels of sums where a layer has no multiplier blocks: thresholds, where these take fewer LUTs.

All that a stage computes stays as it is, so this is a matter of cost alone. Step functions that no multiplication has
are thresholds from the start (:mod:`quantunet_hls.ingest.passes.fit_scales`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.stages.multi_threshold.fit import thresholds_of_requantizer
from quantunet_hls.ops.stages.requantize.product import product_of
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.types.fixed import FixedType

__all__ = ["MOST_BITS", "with_thresholds"]

#: Bits of levels up to which thresholds take fewer LUTs than a multiplication in LUTs, tables in block RAM aside.
MOST_BITS = 4


def with_thresholds(graph: StreamGraph) -> StreamGraph:
    """The graph with thresholds for the multiplications of requantizers in layers that have no multiplier blocks."""
    changed = {}
    for layer in weighted(graph):
        if layer.multipliers.kind not in ("lut", "adders"):
            continue
        stages: list[Stage] = []
        source = layer.unstaged
        for stage in layer.stages:
            stages.append(_searched(stage, source))
            source = stage.type
        if tuple(stages) != layer.stages:
            own: Any = {"stages": tuple(stages)}
            changed[layer.name] = replace(layer, **own)
    return graph.with_layers(changed)


def _searched(stage: Stage, source: FixedType) -> Stage:
    """As thresholds, where it multiplies by what is no shift and has few levels."""
    if not isinstance(stage, Requantize) or stage.loaded or (stage.high - stage.low).bit_length() > MOST_BITS:
        return stage
    if product_of(stage.reading(source.fraction), source).factor_bits <= 2 or _shifts(stage):
        return stage
    return thresholds_of_requantizer(stage, source) or stage


def _shifts(stage: Requantize) -> bool:
    """Whether all values of a line are multiplied by one power of two."""
    return all(len(set(line)) == 1 and not abs(line[0]) & (abs(line[0]) - 1) for line in stage.factors)
