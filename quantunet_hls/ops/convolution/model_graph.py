"""hls4ml's convolutions, and the one of any window and any groups that this package adds to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.convolution.layer import Convolution
from quantunet_hls.ops.model_graph import Given, LayerReader, Node, constant_codes
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.types.fixed import FixedType, Integers, cast

__all__ = ["FACET"]


def _convolution(node: Node, given: Sequence[Given]) -> Convolution:
    weights = _weights(node, "weight", given[0].type)
    weights = weights.reshape(*node.pair("filt"), node.integer("n_chan"), node.integer("n_filt"))
    return _layer(node, given[0], "weight", weights, 1, _within_window(node, weights))


def _depthwise(node: Node, given: Sequence[Given]) -> Convolution:
    role = "depthwise" if node.has_constants("depthwise") else "weight"
    channels = node.integer("n_chan")
    weights = _weights(node, role, given[0].type)
    if weights.size != np.prod(node.pair("filt")) * channels:
        raise IllegalGraphError(node.name, "there is no arithmetic for a depth multiplier other than 1", "use 1")
    if node.cpp and node.integer("filt_height") == 1 < node.integer("stride_height"):
        raise IllegalGraphError(node.name, "hls4ml moves a depthwise kernel of one row by one row, whatever its stride",
                                "use a stride of 1 row")
    weights = weights.reshape(*node.pair("filt"), 1, channels)
    return _layer(node, given[0], role, weights, channels, _reuse(node))


def _any_window(node: Node, given: Sequence[Given]) -> Convolution:
    codes = constant_codes(node.name, node.constants("weight"), node.constant_type("weight"))
    groups, filters = node.integer("groups"), node.integer("n_filt")
    if node.text("strategy", "latency") == "resource":
        weights = codes.transpose(1, 2, 3, 0)
        return _layer(node, given[0], "weight", weights, groups, _within_window(node, weights), any_window=True)
    # (groups, rows, columns, channels of a group, filters of a group)
    weights = codes.transpose(1, 2, 3, 0, 4).reshape(*codes.shape[1:4], filters)
    return _layer(node, given[0], "weight", weights, groups, None, any_window=True)


def _within_window(node: Node, weights: Integers) -> int | None:
    """Cycles that share a multiplier; beyond the window's size the products of an output come in its order again."""
    reuse = _reuse(node)
    return None if reuse is not None and reuse > weights[..., 0].size else reuse


def _layer(node: Node, given: Given, role: str, weights: Integers, groups: int, reuse: int | None, *,
           any_window: bool = False) -> Convolution:
    accumulator, bias_type = node.type("accum_t"), node.constant_type("bias")
    bias = cast(constant_codes(node.name, node.constants("bias"), bias_type), bias_type, accumulator)
    return Convolution(
        node.name, (given.layer.name,), node.shape, (Cast(node.result()),), weights,
        node.constant_type(role).fraction, bias, accumulator, node.pair("stride"), node.padding, groups, reuse,
        node.pair("dilation", 1), node.text("strategy", "latency"), any_window)


def _weights(node: Node, role: str, source: FixedType) -> Integers:
    kind = node.constant_type(role)
    codes = constant_codes(node.name, node.constants(role), kind)
    if node.cpp and node.whole_constants(role):
        if kind.width == 1 and source == FixedType(1, 0, False, "TRN_ZERO", "WRAP"):
            raise IllegalGraphError(node.name, "hls4ml has a product of its own for binary weights on binary data",
                                    "use two bits or more")
        if kind.width == 2 and kind.signed:
            # hls4ml's ternary product takes every weight other than 0 and -1 for +1.
            codes = np.where(codes == -2, 1, codes)
    return codes.transpose(1, 2, 3, 0) if node.transposed else codes


def _reuse(node: Node) -> int | None:
    return node.integer("reuse_factor") if node.text("strategy", "latency") == "resource" else None


FACET = LayerReader({"Conv2D": _convolution, "PointwiseConv2D": _convolution, "DepthwiseConv2D": _depthwise,
                      "WindowConvolution": _any_window})
