"""Transposed convolutions become ordinary ones, of images with zeros between their pixels."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import attribute, constant, copy_of, replace_nodes, shape_of

__all__ = ["insert_zeros"]


def insert_zeros(model: ModelWrapper) -> ModelWrapper:
    """Every ConvTranspose (constant weights, one group) as a ZeroInsertion and a Conv of the flipped kernel.

    With stride s, kernel k and padding p the pixels lie s apart, and the image between and around them is convolved
    with ``k - 1 - p`` zeros before and, by the output padding, more of them behind (Dumoulin and Visin, "A guide to
    convolution arithmetic for deep learning", arXiv 1603.07285, section 4). A convolution of the stream can pad by
    one less than its kernel has, before and behind together; what goes beyond that the ZeroInsertion (attributes
    ``factor`` and ``size``, each rows and columns) sends behind the last pixel.
    """
    model = copy_of(model)
    nodes = []
    for node in model.graph.node:
        if node.op_type != "ConvTranspose":
            nodes.append(node)
            continue
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
        nodes += [zeros, convolution]
    replace_nodes(model, nodes)
    return model


def _strides(node: NodeProto) -> list[int]:
    return list(attribute(node, "strides", [1, 1]))


def _axis(node: NodeProto, index: int, kernel: int, pixels: int) -> tuple[int, int, int]:
    """Along one axis: size of the image with its zeros, and zeros that the convolution pads before and behind it."""
    pads, stride = attribute(node, "pads", [0, 0, 0, 0]), _strides(node)[index]
    before = kernel - 1 - pads[index]
    behind = kernel - 1 - pads[index + 2] + attribute(node, "output_padding", [0, 0])[index]
    last = min(behind, kernel - 1 - before)
    return (pixels - 1) * stride + 1 + behind - last, before, last
