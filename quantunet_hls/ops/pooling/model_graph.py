"""hls4ml's pooling, and the one of windows of any stride and padding that this package adds to it."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.pooling.layer import Pooling
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.types.fixed import covering

__all__ = ["FACET"]


def _aligned(node: Node, given: Sequence[Given]) -> Pooling:
    if node.pair("stride") != node.pair("pool") or any(node.padding):
        raise IllegalGraphError(node.name, "hls4ml's own pooling computes no padded or overlapping windows",
                                "pool without padding, with stride = window")
    return _read(node, given)


def _whole(node: Node, given: Sequence[Given]) -> Pooling:
    """Pixels are added up as they come, so the order would matter to an accumulator that can't hold every sum."""
    pooling, source = _read(node, given), given[0]
    number = source.layer.shape.pixels if pooling.mean else 1
    if not pooling.accumulator.holds(covering(number * source.type.low, number * source.type.high,
                                              source.type.fraction)):
        raise IllegalGraphError(node.name, f"its accumulator {pooling.accumulator} can't hold {number} values of "
                                f"{source.type}", "give it a wider one")
    return pooling


def _read(node: Node, given: Sequence[Given]) -> Pooling:
    operation = node.text("pool_op")
    if operation not in ("max", "average"):
        raise IllegalGraphError(node.name, f"there is no arithmetic for {operation} pooling",
                                "use max or average pooling")
    return Pooling(node.name, (given[0].layer.name,), node.shape, (Cast(node.result()),), node.pair("pool"),
                   node.pair("stride"), node.padding, operation == "average", node.type("accum_t"))


FACET = LayerReader({"Pooling2D": _aligned, "WindowPooling": _read, "WholePooling": _whole})
