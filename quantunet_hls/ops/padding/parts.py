"""What takes an image apart, as the nodes that it is short for: pieces without steps, and poolings that pick pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.channels import channel_axis
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute, constant, consumers, only, shape_of

__all__ = ["blocks_are_of_two", "has_whole_parts", "piece", "space_to_depth_nodes", "split_nodes", "thinned"]


def has_whole_parts(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """The rule of ``Split``: constant sizes of an image's axis that make it up."""
    shape, axis = shape_of(model, node.input[0]), attribute(node, "axis", 0)
    if len(node.input) > 1 and constant(model, node.input[1]) is None:
        return IllegalGraphError(node.name, "the sizes of its parts are computed", "split into parts of constant sizes")
    if len(shape) != 4 or not -4 <= axis < 4 or axis % 4 == 0:
        return IllegalGraphError(node.name, "only rows, columns or channels of images can be split",
                                 "keep batch, channels, height and width from layer to layer")
    sizes = [shape_of(model, name)[axis % 4] for name in node.output]
    if sum(sizes) != shape[axis % 4]:
        return IllegalGraphError(node.name, f"its parts of {sizes} are not the {shape[axis % 4]} that there are",
                                 "export the network again")
    return None


def split_nodes(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """A piece for each part that somebody reads."""
    axis, start, nodes = attribute(node, "axis", 0) % 4, 0, []
    for place, name in enumerate(node.output):
        size = shape_of(model, name)[axis]
        if consumers(model, name) or name == only(model, "output"):
            nodes.append(piece(model, node.input[0], name, {axis: (start, start + size)}, f"{node.name}_{place}"))
        start += size
    return nodes


def piece(model: ModelWrapper, source: str, result: str, bounds: Mapping[int, tuple[int, int]], name: str) -> NodeProto:
    """A ``Slice`` without steps: of each of these axes the first place, and the first behind those that it keeps."""
    inputs = [source]
    for role, values in (("starts", [start for start, _ in bounds.values()]),
                         ("ends", [end for _, end in bounds.values()]), ("axes", list(bounds))):
        inputs.append(f"{result}_{role}")
        model.set_initializer(inputs[-1], np.array(values, np.int64))
    return helper.make_node("Slice", inputs, [result], name=name)


def thinned(model: ModelWrapper, node: NodeProto, bounds: Mapping[int, tuple[int, int]], steps: Mapping[int, int]
            ) -> list[NodeProto]:
    """Every so many rows and columns of a piece: a pooling of single pixels.

    Args:
        model: gets the shape of what lies between.
        node: whose input and output they lie between.
        bounds: of the piece, by axis.
        steps: by axis, those of the channels aside.
    """
    shape = list(shape_of(model, node.input[0]))
    for axis, (start, end) in bounds.items():
        shape[axis] = end - start
    between = f"{node.output[0]}_piece"
    model.set_tensor_shape(between, shape, TensorProto.FLOAT)
    last = channel_axis(model, node) == 3
    strides = [steps.get(axis, 1) for axis in ((1, 2) if last else (2, 3))]
    return [piece(model, node.input[0], between, bounds, f"{node.name}_piece"),
            _picking(between, node.output[0], strides, node.name, CHANNELS_LAST if last else "")]


def _picking(source: str, result: str, strides: Sequence[int], name: str, domain: str) -> NodeProto:
    return helper.make_node("MaxPool", [source], [result], name=name, domain=domain, kernel_shape=[1, 1],
                            strides=list(strides), pads=[0, 0, 0, 0])


def blocks_are_of_two(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """The rule of ``SpaceToDepth``: as many pieces as a stream can be forked into."""
    shape, block = shape_of(model, node.input[0]), attribute(node, "blocksize", 0)
    if block != 2:
        return IllegalGraphError(node.name, f"blocks of {block} x {block} pixels are read by {block**2} pieces at "
                                 "once, and a stream is forked 7 ways at most",
                                 "use blocks of 2 x 2, or a convolution with a stride in its place")
    if len(shape) != 4 or shape[2] % 2 or shape[3] % 2:
        return IllegalGraphError(node.name, f"an image of the shape {list(shape)} has no whole blocks of 2 x 2 pixels",
                                 "use images of an even height and width")
    return None


def space_to_depth_nodes(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """The pixels of each place in a block, side by side."""
    _, channels, height, width = shape_of(model, node.input[0])
    nodes, parts = [], []
    for row, column in np.ndindex(2, 2):
        part = f"{node.output[0]}_{row}{column}"
        pick = helper.make_node("Slice", [node.input[0]], [part], name=f"{node.name}_{row}{column}")
        model.set_tensor_shape(part, [1, channels, height // 2, width // 2], TensorProto.FLOAT)
        nodes += thinned(model, pick, {2: (row, height), 3: (column, width)}, {2: 2, 3: 2})
        parts.append(part)
    return [*nodes, helper.make_node("Concat", parts, list(node.output), name=node.name, axis=1)]
