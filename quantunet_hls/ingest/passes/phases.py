"""Transposed convolutions whose kernel is their stride, as they are built: without a product with an inserted zero.

The hardware graph keeps the convolution of the image with zeros between its pixels,
for its layers are those of the network, with which they are compared and tuned.
What is built of it computes the same numbers from a fraction of the products: a
convolution of one pixel to as many more channels, what follows its sums, and the
channels as pixels. These come last, so that no wide sum waits in their buffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ingest.ranges import GraphTypes
from quantunet_hls.ops.depth_to_space.onnx import pixel_blocks
from quantunet_hls.ops.qonnx.graph import (
    constant,
    consumers,
    copy_of,
    free_name,
    linked,
    only,
    replace_nodes,
    set_attribute,
    shape_of,
)
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.ranges import LayerTypes
from quantunet_hls.ops.zero_insertion.phases import block_of, filters_of_phases

__all__ = ["in_phases"]


def in_phases(model: ModelWrapper, types: GraphTypes) -> tuple[ModelWrapper, GraphTypes]:
    """The graph that is built of a channels-last one, and its types; the very graph where there is nothing to change.

    Tensors of the result that bear a name of the graph's hold the same values.
    """
    links = linked(model)
    blocks = {node.output[0]: block for node in links.graph.node if kind_of(node).weighted
              and (block := block_of(links, node)) is not None}
    if not blocks:
        return model, types
    built, layers = copy_of(model), dict(types.layers)
    nodes = list(built.graph.node)
    for node in list(nodes):
        if node.output[0] in blocks:
            _rebuild(built, links, nodes, node, blocks[node.output[0]], layers)
    replace_nodes(built, nodes)
    return built, replace(types, layers=layers)


def _rebuild(built: ModelWrapper, links: ModelWrapper, nodes: list[NodeProto], node: NodeProto, block: int,
             layers: dict[str, LayerTypes]) -> None:
    """One convolution in phases, in the list of nodes and in their types."""
    (zeros,) = [other for other in nodes if other.output[0] == node.input[0]]
    outputs = {other.output[0] for other in _behind(links, node.output[0])}
    stages = [other for other in nodes if other.output[0] in outputs]
    result = (stages or [node])[-1].output[0]
    last = (stages or [node])[-1]
    _, height, width, _ = shape_of(links, zeros.input[0])
    channels = shape_of(links, node.output[0])[-1]
    weights = constant(links, node.input[1])
    assert weights is not None
    for index, value in ((1, filters_of_phases(weights)), *_biases(links, node, block)):
        node.input[index] = free_name(built, f"{node.name}_phases_{index}")
        built.set_initializer(node.input[index], value)
    set_attribute(node, "kernel_shape", [1, 1])
    set_attribute(node, "pads", [0, 0, 0, 0])
    source = zeros.input[0]
    for part in (node, *stages):
        part.input[0] = source
        source = part.output[0] = free_name(built, f"{part.output[0]}_phases")
        built.set_tensor_shape(source, [1, height, width, block**2 * channels])
    for stage in stages:
        for index, name in enumerate(stage.input[1:], 1):
            numbers = constant(built, name)
            if numbers is not None and numbers.size > 1 and numbers.shape[-1] == channels > 1:
                stage.input[index] = free_name(built, f"{name}_phases")
                built.set_initializer(stage.input[index], np.tile(numbers, block**2))
    nodes.remove(zeros)
    del layers[zeros.name]
    pixels = pixel_blocks(_free_layer(f"{zeros.name.removesuffix('_zeros')}_pixels", layers), source, result, block,
                          pixelwise=True)
    nodes.insert(next(place for place, other in enumerate(nodes) if other is last) + 1, pixels)
    layers[pixels.name] = LayerTypes(layers[last.name].result)


def _behind(links: ModelWrapper, tensor: str) -> Sequence[NodeProto]:
    """The nodes in a row behind a tensor that compute value by value, none read by two but the last."""
    found: list[NodeProto] = []
    channels = shape_of(links, tensor)[-1]
    while tensor != only(links, "output") and len(readers := consumers(links, tensor)) == 1:
        (reader,) = readers
        constants = [constant(links, name) for name in reader.input[1:]]
        if not kind_of(reader).pointwise or any(
                value is None or value.shape[-1:] not in ((), (0,), (1,), (channels,)) for value in constants):
            break
        found.append(reader)
        tensor = reader.output[0]
    return found


def _biases(links: ModelWrapper, node: NodeProto, block: int) -> list[tuple[int, np.ndarray]]:
    biases = constant(links, node.input[2]) if len(node.input) > 2 else None
    return [] if biases is None else [(2, np.tile(biases, block**2))]


def _free_layer(name: str, layers: dict[str, LayerTypes]) -> str:
    while name in layers:
        name += "_"
    return name
