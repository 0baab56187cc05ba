"""This package's own layer of hls4ml's, as a stage."""

from __future__ import annotations

from quantunet_hls.ops.model_graph import Node, StageReader
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET", "read"]


def read(node: Node, result: FixedType) -> Requantize:
    """The stage of a layer of hls4ml's that gives a type."""
    lines = node.integer("lines")
    factors, offsets = (_rows(node.integers(role), lines) for role in ("factors", "offsets"))
    return Requantize(result, node.integer("low"), node.integer("high"), node.integer("shift"), factors, offsets,
                      node.integers("splits"), node.integer("fraction"), bool(node.integer("half_even")))


def _rows(numbers: tuple[int, ...], lines: int) -> tuple[tuple[int, ...], ...]:
    each = len(numbers) // lines
    return tuple(numbers[line * each: (line + 1) * each] for line in range(lines))


FACET = StageReader({}, layers={"Requantize": read})
