"""The pixels between pixels that this package adds to hls4ml."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.ops.interpolation.layer import Interpolation, Places
from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.stages.cast.stage import Cast

__all__ = ["FACET"]


def _read(node: Node, given: Sequence[Given]) -> Interpolation:
    axis, source = node.integer("axis"), given[0].layer.shape
    places = Places(source.axes[axis], node.shape.axes[axis],
                    *(node.integer(name) for name in ("start", "step", "parts")))
    return Interpolation(node.name, (given[0].layer.name,), node.shape, (Cast(node.result()),), axis, places,
                         node.integer("divisor"), node.type("accum_t"))


FACET = LayerReader({"Interpolation": _read})
