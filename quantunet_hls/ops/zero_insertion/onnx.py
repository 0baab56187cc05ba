"""ONNX's ``ConvTranspose`` as an ordinary convolution of an image with zeros between its pixels.

``ZeroInsertion`` is a node of this package: attributes ``factor`` and ``size``,
each rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from torch.nn import functional

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.execution import biases, in_channels_first
from quantunet_hls.ops.qonnx.graph import (
    CHANNELS_LAST,
    attribute,
    constant,
    remove_attribute,
    set_attribute,
    shape_of,
)
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed
from quantunet_hls.ops.qonnx.weights import explicit_kernel, weights_are_quantized
from quantunet_hls.ops.qonnx.windows import AUTOMATIC, image_size

__all__ = ["FACET", "MAX_UP_STRIDE"]

#: Largest stride of a transposed convolution: of its products all but 1 in the strides' product are with zeros.
MAX_UP_STRIDE = 4


def _fits(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    weights, data = shape_of(model, node.input[1]), shape_of(model, node.input[0])
    if len(weights) != 4 or node.domain == CHANNELS_LAST:
        return illegal("only two-dimensional transposed convolutions, channels first, can be built",
                       "use ConvTranspose2d")
    if attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", "") or attribute(node, "output_shape") is not None:
        return illegal("automatic padding can't be built", "give the padding as numbers")
    if attribute(node, "group", 1) != 1:
        return illegal(f"a transposed convolution of {attribute(node, 'group')} groups can't be built",
                       "use one group, or upsampling and a convolution")
    if any(d != 1 for d in attribute(node, "dilations", [1, 1])):
        return illegal("dilated kernels come out with a wrong size from hls4ml", "use dilation 1")
    if weights[0] != data[1]:
        return illegal(f"its weights of shape {list(weights)} do not fit an input of {data[1]} channels",
                       "export the network again")
    if len(node.input) > 2 and shape_of(model, node.input[2]) != (weights[1],):
        return illegal(f"its biases do not fit {weights[1]} filters", "export the network again")
    if min(weights) < 1 or attribute(node, "kernel_shape", list(weights[2:])) != list(weights[2:]):
        return illegal(f"its kernel_shape {attribute(node, 'kernel_shape', [])} is not that of its weights, "
                       f"{list(weights[2:])}", "export the network again")
    strides = _strides(node)
    if max(strides) > MAX_UP_STRIDE:
        return illegal(f"a stride of {max(strides)} leaves more zeros between two pixels than can be built sensibly",
                       f"use a stride of {MAX_UP_STRIDE} at most, or two layers")
    pads, more = attribute(node, "pads", [0, 0, 0, 0]), attribute(node, "output_padding", [0, 0])
    if any(not 0 <= pad <= size - 1 for pad, size in zip(pads, weights[2:] * 2, strict=True)):
        return illegal(f"a padding of {pads} for a kernel of {list(weights[2:])} crops the image",
                       "use a padding smaller than the kernel")
    if any(not 0 <= extra < stride for extra, stride in zip(more, strides, strict=True)):
        return illegal(f"an output padding of {more} does not fit strides of {strides}", "use one below the stride")
    return None


def _plain(model: ModelWrapper, node: NodeProto) -> None:
    """Padding as numbers where the file gives a rule for it, or the size of the result.

    What the sum of all kernels has beyond that size is cut off, half of it on each side; the odd pixel goes behind
    the image for SAME_UPPER and before it otherwise. What it lacks comes behind it. Both is ONNX's definition.
    """
    mode, size = attribute(node, "auto_pad", "NOTSET"), attribute(node, "output_shape")
    if mode not in AUTOMATIC and size is None:
        return
    given, made = image_size(model, node, node.input[0]), image_size(model, node, node.output[0])
    kernel, strides = shape_of(model, node.input[1])[2:], _strides(node)
    dilations = attribute(node, "dilations", [1, 1])
    if {len(each) for each in (given, made, kernel, strides, dilations)} != {2} or any(
            attribute(node, "output_padding", [0])):
        return
    beyond = [stride * (pixels - 1) + (taps - 1) * dilation + 1 - after for pixels, after, taps, stride, dilation
              in zip(given, made, kernel, strides, dilations, strict=True)]
    less, more = [max(each, 0) // 2 for each in beyond], [-(-max(each, 0) // 2) for each in beyond]
    remove_attribute(node, "auto_pad")
    remove_attribute(node, "output_shape")
    set_attribute(node, "pads", [*less, *more] if mode == "SAME_UPPER" else [*more, *less])
    set_attribute(node, "output_padding", [max(-each, 0) for each in beyond])


def _lowered(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """A ZeroInsertion and a Conv of the flipped kernel.

    With stride s, kernel k and padding p the pixels lie s apart, and the image between and around them is convolved
    with ``k - 1 - p`` zeros before and, by the output padding, more of them behind (Dumoulin and Visin, "A guide to
    convolution arithmetic for deep learning", arXiv 1603.07285, section 4). A convolution of the stream can pad by
    one less than its kernel has, before and behind together; what goes beyond that the ZeroInsertion sends behind the
    last pixel.
    """
    weights = constant(model, node.input[1])
    assert weights is not None, "quantized weights have been folded"
    axes = [_axis(node, index, weights.shape[2 + index], shape_of(model, node.input[0])[2 + index])
            for index in (0, 1)]
    spread, kernel = f"{node.output[0]}_spread", f"{node.output[0]}_kernel"
    zeros = helper.make_node(
        "ZeroInsertion", [node.input[0]], [spread], name=f"{node.name}_zeros", factor=_strides(node),
        size=[size for size, _, _ in axes])
    convolution = helper.make_node(
        "Conv", [spread, kernel, *node.input[2:]], list(node.output), name=node.name, group=1, strides=[1, 1],
        dilations=[1, 1], kernel_shape=list(weights.shape[2:]),
        pads=[before for _, before, _ in axes] + [behind for _, _, behind in axes])
    batch, channels = shape_of(model, node.input[0])[:2]
    model.set_tensor_shape(spread, [batch, channels, *(size for size, _, _ in axes)], TensorProto.FLOAT)
    model.set_initializer(kernel, np.ascontiguousarray(weights[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)))
    return [zeros, convolution]


def _strides(node: NodeProto) -> list[int]:
    return list(attribute(node, "strides", [1, 1]))


def _axis(node: NodeProto, index: int, kernel: int, pixels: int) -> tuple[int, int, int]:
    """Along one axis: size of the image with its zeros, and zeros that the convolution pads before and behind it."""
    pads, stride = attribute(node, "pads", [0, 0, 0, 0]), _strides(node)[index]
    before = kernel - 1 - pads[index]
    behind = kernel - 1 - pads[index + 2] + attribute(node, "output_padding", [0, 0])[index]
    last = min(behind, kernel - 1 - before)
    return (pixels - 1) * stride + 1 + behind - last, before, last


def _run_transposed(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    kernel = torch.from_numpy(np.asarray(inputs[1], dtype=np.float64))
    bias = biases(inputs)
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    rows, columns = attribute(node, "output_padding", [0, 0])
    whole = functional.conv_transpose2d(torch.from_numpy(inputs[0]), kernel, stride=attribute(node, "strides"))
    part = functional.pad(whole, (-left, columns - right, -top, rows - bottom))
    return (part if bias is None else part + bias[:, None, None]).numpy()


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    def insert(image: torch.Tensor) -> torch.Tensor:
        rows, columns = attribute(node, "factor")
        spread = torch.zeros(*image.shape[:2], *attribute(node, "size"), dtype=image.dtype)
        spread[:, :, ::rows, ::columns][:, :, : image.shape[2], : image.shape[3]] = image
        return spread
    return in_channels_first(node, inputs[0], insert)


def _ranges(_model: ModelWrapper, _node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    result = given.with_zero()
    return result, LayerTypes(result.type())


FACET = OnnxNodes((
    NodeKind("ConvTranspose", _run_transposed, rules=(_fits,), quantized=(weights_are_quantized,), weighted=True,
             plain=_plain, explicit=explicit_kernel, lowered=_lowered),
    NodeKind("ZeroInsertion", _run, _ranges, admitted=False, spatial=True, copies=True, new_values=False),
))
