"""The whole graph relabelled to (batch, height, width, channels), in one walk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError, together
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, IndexedModel, attribute, constant, only, shape_of
from quantunet_hls.ops.qonnx.node_kinds import TRANSPOSE, Layout, Relabelling, kind_of

__all__ = ["FIRST", "LAST", "Relabelled", "channels_last", "check_constants", "check_layout", "transposed"]

FIRST: Layout = (0, 1, 2, 3)
LAST: Layout = (0, 3, 1, 2)
_NHWC = (0, 2, 3, 1)


@dataclass(frozen=True)
class Relabelled:
    """A channels-last graph, and the layout each tensor that it shares with the original had there."""

    model: ModelWrapper
    layouts: dict[str, Layout]


def channels_last(model: ModelWrapper) -> Relabelled:
    """A graph without Transpose nodes in which every image is (batch, height, width, channels).

    Works on logical axes: a Transpose only changes where the axes of a tensor lie,
    so it vanishes; every other node is asked whether its input lies as it needs it.
    Graphs that are channels-first, channels-last, or a mixture with Transposes in
    between all come out the same.

    Raises:
        IllegalGraphError: nodes' inputs lie in another order than the nodes read them in.
    """
    # Which of the two the input is in only the nodes can tell.
    try:
        return _relabel(model, FIRST)
    except IllegalGraphError as as_first:
        try:
            return _relabel(model, LAST)
        except IllegalGraphError as as_last:
            raise (as_last if any(node.domain == CHANNELS_LAST for node in model.graph.node) else as_first) from None


def _relabel(model: ModelWrapper, source: Layout) -> Relabelled:
    image, result = only(model, "input"), only(model, "output")
    layouts: dict[str, Layout] = {image: source}
    stands_for: dict[str, str] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    constants: dict[str, np.ndarray] = {}
    nodes: list[NodeProto] = []
    broken: list[IllegalGraphError] = []

    def logical_shape(tensor: str) -> tuple[int, ...]:
        physical = shape_of(model, tensor)
        return tuple(physical[axis] for axis in layouts[tensor])

    for node in model.graph.node:
        data = [name for name in node.input if name in layouts]
        if not data:
            raise IllegalGraphError(node.name, f"{node.op_type} reads nothing that the image reaches", "remove it")
        layout = layouts[data[0]]
        if node.op_type == TRANSPOSE.op_type:
            layouts[node.output[0]] = transposed(node, layout)
            stands_for[node.output[0]] = stands_for.get(node.input[0], node.input[0])
            continue
        layouts[node.output[0]] = layout
        place = _renamed(model, node, stands_for, f"_of_{len(nodes)}", layout, logical_shape(data[0]))
        try:
            check_layout(node, [layouts[name] for name in data])
            _relabel_node(place)
        except IllegalGraphError as error:
            broken.append(error)
        nodes.append(place.node)
        constants |= place.constants
        shapes[node.output[0]] = tuple(logical_shape(node.output[0])[axis] for axis in _NHWC)

    if broken:
        raise together(broken)
    shapes[image] = tuple(logical_shape(image)[axis] for axis in _NHWC)
    relabelled = _built(model, nodes, constants, shapes, image, stands_for.get(result, result))
    return Relabelled(relabelled, {name: where for name, where in layouts.items() if name not in stands_for})


def _renamed(model: ModelWrapper, node: NodeProto, stands_for: Mapping[str, str], ending: str, layout: Layout,
             shape: tuple[int, ...]) -> Relabelling:
    """A copy of a node that reads its constants under names with this ending, and images behind no Transpose."""
    copy, constants = NodeProto(), {}
    copy.CopyFrom(node)
    for index, name in enumerate(node.input):
        value = constant(model, name)
        if value is not None:
            # Every reader gets a copy of its own: hls4ml takes a constant away with its first reader.
            copy.input[index] = f"{name}{ending}"
            constants[copy.input[index]] = value
        else:
            copy.input[index] = stands_for.get(name, name)
    return Relabelling(node, copy, layout, shape, constants)


def _relabel_node(place: Relabelling) -> None:
    kind = kind_of(place.given)
    if kind.spatial:
        place.node.domain = CHANNELS_LAST
        if place.given.domain != CHANNELS_LAST:
            for index in kind.kernels:
                name = place.node.input[index]
                place.constants[name] = np.ascontiguousarray(place.constants[name].transpose(_NHWC))
    if kind.relabel is not None:
        kind.relabel(place)


def _built(model: ModelWrapper, nodes: Sequence[NodeProto], constants: Mapping[str, np.ndarray],
           shapes: Mapping[str, tuple[int, ...]], image: str, result: str) -> IndexedModel:
    """The graph of these nodes between an image and a result, of the same opsets."""
    graph = helper.make_graph(
        nodes, model.graph.name,
        [helper.make_tensor_value_info(image, TensorProto.FLOAT, shapes[image])],
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, shapes[result])],
    )
    opsets = [helper.make_opsetid(entry.domain, entry.version) for entry in model.model.opset_import
              if entry.domain != CHANNELS_LAST]
    # qonnx runs a channels-last node as the plain operator of the opset that its domain is stamped with.
    onnx_opset = next(entry.version for entry in opsets if entry.domain in ("", "ai.onnx"))
    proto = helper.make_model(graph, opset_imports=[*opsets, helper.make_opsetid(CHANNELS_LAST, onnx_opset)])
    proto.ir_version = model.model.ir_version
    built = IndexedModel(proto)
    for name, value in constants.items():
        built.set_initializer(name, value)
    for name, shape in shapes.items():
        if name != image:
            built.set_tensor_shape(name, list(shape))
    return built


def transposed(node: NodeProto, layout: Layout) -> Layout:
    """Where the axes lie behind a Transpose.

    Raises:
        IllegalGraphError: it is of something else than an image.
    """
    perm = attribute(node, "perm")
    if len(perm) != 4:
        raise IllegalGraphError(node.name, "only images (four axes) can be transposed",
                                "keep batch, channels, height and width from layer to layer")
    batch, channels, height, width = (perm.index(axis) for axis in layout)
    return batch, channels, height, width


def check_constants(model: ModelWrapper, node: NodeProto, layout: Layout) -> None:
    """Refuse axes that a node's constants and attributes are not meant for, such as upsampled channels.

    Raises:
        IllegalGraphError: names the node.
    """
    relabel = kind_of(node).relabel
    if relabel is not None:
        physical = shape_of(model, node.input[0])
        relabel(_renamed(model, node, {}, "", layout, tuple(physical[axis] for axis in layout)))


def check_layout(node: NodeProto, layouts: list[Layout]) -> None:
    """Refuse images that lie otherwise than a node reads them.

    Raises:
        IllegalGraphError: names the node.
    """
    if len(set(layouts)) != 1:
        raise IllegalGraphError(node.name, f"{node.op_type} joins tensors whose axes lie in different orders",
                                "transpose its inputs to the same order")
    if kind_of(node).spatial:
        needed = LAST if node.domain == CHANNELS_LAST else FIRST
        if layouts[0] != needed:
            raise IllegalGraphError(
                node.name, f"{node.op_type} reads {'channels last' if needed is LAST else 'channels first'}, "
                "but its input lies otherwise", "add the missing Transpose or export the network again")

