"""What makes levels of sums where a layer has no multiplier blocks: thresholds, where these take fewer LUTs.

All that a stage computes stays as it is, so this is a matter of cost alone. Step functions that no multiplication has
are thresholds from the start (:mod:`quantunet_hls.ingest.passes.fit_scales`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import weighted

__all__ = ["with_thresholds"]


def with_thresholds(graph: StreamGraph) -> StreamGraph:
    """The graph with thresholds for the multiplications of requantizers in layers that have no multiplier blocks."""
    changed = {}
    for layer in weighted(graph):
        if layer.multipliers.kind not in ("lut", "adders"):
            continue
        stages: list[Stage] = []
        source = layer.unstaged
        for stage in layer.stages:
            stages.append(stage.without_blocks(source))
            source = stage.type
        if tuple(stages) != layer.stages:
            own: Any = {"stages": tuple(stages)}
            changed[layer.name] = replace(layer, **own)
    return graph.with_layers(changed)
