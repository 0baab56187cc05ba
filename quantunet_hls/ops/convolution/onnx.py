"""ONNX's ``Conv``, of any groups and any dilation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from torch.nn import functional

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.balance import ConvWork
from quantunet_hls.ops.qonnx.execution import FIRST_AXES, biases, in_channels_first
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute, constant, set_attribute, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import MAX_RANGE_BITS, LayerTypes, Range, Typed, shift_left, to_steps
from quantunet_hls.ops.qonnx.weights import explicit_kernel, weights_are_quantized
from quantunet_hls.ops.qonnx.windows import plain_window
from quantunet_hls.ops.zero_insertion.phases import block_of, factor_before
from quantunet_hls.types.fixed import FixedType, covering

__all__ = ["FACET"]


def _fits(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    weights = shape_of(model, node.input[1])
    if len(weights) != 4:
        return illegal("only two-dimensional convolutions can be built", "use Conv2d")
    if attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", ""):
        return illegal("automatic padding can't be built", "give the padding as numbers")
    kernel = list(weights[1:3] if node.domain == CHANNELS_LAST else weights[2:])
    if min(weights) < 1 or attribute(node, "kernel_shape", kernel) != kernel:
        return illegal(f"its kernel_shape {attribute(node, 'kernel_shape', kernel)} is not that of its weights, "
                       f"{kernel}", "export the network again")
    group = attribute(node, "group", 1)
    data = shape_of(model, node.input[0])
    channels = data[3] if node.domain == CHANNELS_LAST else data[1]
    each = weights[3] if node.domain == CHANNELS_LAST else weights[1]
    if each * group != channels:
        return illegal(f"its weights of shape {list(weights)} do not fit an input of {channels} channels",
                       "export the network again")
    if len(node.input) > 2 and shape_of(model, node.input[2]) != (weights[0],):
        return illegal(f"its biases do not fit {weights[0]} filters", "export the network again")
    if any(pad < 0 for pad in attribute(node, "pads", [0])):
        return illegal("a negative padding, which crops the image, can't be built", "crop the image before the network")
    if group < 1 or weights[0] % group:
        return illegal(f"{group} groups do not divide its {weights[0]} filters", "export the network again")
    return None


def _plain(model: ModelWrapper, node: NodeProto) -> None:
    weights = shape_of(model, node.input[1])
    plain_window(model, node, weights[1:-1] if node.domain == CHANNELS_LAST else weights[2:])


def _with_padding(node: NodeProto, zeros: Sequence[int]) -> NodeProto:
    padded = NodeProto()
    padded.CopyFrom(node)
    own = attribute(node, "pads", [0, 0, 0, 0])
    set_attribute(padded, "pads", [a + b for a, b in zip(own, zeros, strict=True)])
    return padded


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    weights = np.asarray(inputs[1], dtype=np.float64)
    kernel = torch.from_numpy(np.ascontiguousarray(
        weights.transpose(FIRST_AXES) if node.domain == CHANNELS_LAST else weights))
    bias = biases(inputs)
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    strides, group = attribute(node, "strides", [1, 1]), attribute(node, "group", 1)
    return in_channels_first(node, inputs[0], lambda image: functional.conv2d(
        functional.pad(image, (left, right, top, bottom)), kernel, bias, strides, 0,
        attribute(node, "dilations", [1, 1]), group))


def _ranges(model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    raw = constant(model, node.input[1])
    assert raw is not None
    weights, weight_exponent = to_steps(raw)  # (filters, height, width, channels or 1)
    # Of each filter the channels of its group.
    group = attribute(node, "group")
    low, high = (np.repeat(end.reshape(group, -1), len(weights) // group, axis=0) for end in (given.low, given.high))
    # The products of one tap lie between these; 0 belongs to both ends, for padding feeds
    # zeros and a sum still under way lacks some of its products.
    if np.abs(weights).max() * max(float(np.abs(end).max()) for end in (low, high)) > 2.0**MAX_RANGE_BITS:
        raise OverflowError
    ends = np.stack([weights * low[:, None, None, :], weights * high[:, None, None, :]])
    if 2.0 * np.abs(ends).astype(np.float64).sum((2, 3, 4)).max() > 2.0**MAX_RANGE_BITS:
        raise OverflowError
    most, least = _of_one_phase(np.maximum(ends.max(0), 0), np.minimum(ends.min(0), 0), factor_before(model, node))
    value, bias_type = _with_bias(model, node, Range(least, most, given.exponent + weight_exponent))
    return value, LayerTypes(
        result=value.type(),
        accumulator=value.type(),
        weight=covering(int(weights.min()), int(weights.max()), -weight_exponent, signed=True),
        bias=bias_type,
    )


def _of_one_phase(most: np.ndarray, least: np.ndarray, factor: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Largest and smallest sum of each filter's taps (filters, height, width, channels) that meet pixels together.

    Between those of a spread image lie zeros, so every pixel of the result has the taps of one phase.
    """
    rows, columns = (range(min(size, step)) for size, step in zip(most.shape[1:3], factor, strict=True))
    sums = [[ends[:, row :: factor[0], column :: factor[1]].sum((1, 2, 3)) for row in rows for column in columns]
            for ends in (most, least)]
    return np.max(sums[0], axis=0), np.min(sums[1], axis=0)


def _with_bias(model: ModelWrapper, node: NodeProto, sums: Range) -> tuple[Range, FixedType]:
    """The sums with the bias added, at the finer of both steps, and the bias's type."""
    bias = constant(model, node.input[2]) if len(node.input) > 2 else None
    if bias is None or not np.any(bias):
        return sums, FixedType(1)
    steps, bias_exponent = to_steps(bias)
    kind = covering(int(steps.min()), int(steps.max()), -bias_exponent, signed=True)
    exponent = min(sums.exponent, bias_exponent)
    fine = sums.at(exponent)
    steps = shift_left(steps, bias_exponent - exponent)
    return Range(fine.low + steps, fine.high + steps, exponent), kind


def _work(model: ModelWrapper, node: NodeProto) -> ConvWork:
    filters, rows, columns, channels = shape_of(model, node.input[1])
    _, height, width, _ = shape_of(model, node.output[0])
    block = block_of(model, node)
    if block is not None:
        return ConvWork(channels, filters * block**2, height * width // block**2)
    return ConvWork(rows * columns * channels, filters, height * width)


FACET = OnnxNodes((
    NodeKind("Conv", _run, _ranges, rules=(_fits,), quantized=(weights_are_quantized,), spatial=True, kernels=(1,),
             roles=("weight", "bias"), weighted=True, plain=_plain, explicit=explicit_kernel,
             with_padding=_with_padding, work=_work),
))
