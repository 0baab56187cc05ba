"""This package's own layer of hls4ml's, as a stage."""

from __future__ import annotations

from quantunet_hls.ops.model_graph import Node, StageReader
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold, meaning_of
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET", "read"]


def read(node: Node, result: FixedType) -> MultiThreshold:
    """The stage of a layer of hls4ml's that gives a type."""
    numbers, falls = node.integers("thresholds"), node.integers("falls")
    each = len(numbers) // len(falls)
    return MultiThreshold(result, node.integer("low"),
                          tuple(numbers[row * each: (row + 1) * each] for row in range(len(falls))),
                          tuple(map(bool, falls)), node.integer("fraction"), meaning_of(node.integer("probabilities")))


FACET = StageReader({}, layers={"MultiThreshold": read})
