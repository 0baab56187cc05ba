"""The shape of every tensor, from the input's alone.

qonnx's own inference needs the shapes in front of a custom node to know the one
behind it, and so fails at the second one of a file that states none.
"""

from __future__ import annotations

import copy
import math

import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.ingest.unsupported import check_operators
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute, copy_of
from quantunet_hls.ops.qonnx.node_kinds import node_kinds

__all__ = ["infer_shapes"]

#: Batch, channels, height and width.
_IMAGE_AXES = 4
#: Numbers in a constant that no shape is made of.
_LARGE = 64
#: Where convolutions read image and weights.
_CONVOLUTIONS = {"Conv": (0, 1), "ConvTranspose": (0, 1), "ConvInteger": (0, 1), "QLinearConv": (0, 3)}
#: Far more than the levels of any U-Net.
_IN_A_ROW = 32

_TO_FIRST, _TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def infer_shapes(model: ModelWrapper) -> ModelWrapper:
    """The graph with the shapes that ONNX infers for it; what the file said of them counts for nothing.

    ONNX is shown standard operators in the place of others: a quantizer gives what
    shape it gets, a channels-last node is a channels-first one between Transposes.

    Raises:
        onnx.shape_inference.InferenceError: the nodes contradict each other.
        ConfigurationError: a convolution of something else than an image.
        IllegalGraphError: operators that onnx is not shown.
    """
    check_operators(model.graph.node)
    standard = copy.deepcopy(model.model)
    del standard.graph.value_info[:]
    nodes = [part for node in standard.graph.node for part in _standard(node)]
    del standard.graph.node[:]
    standard.graph.node.extend(nodes)
    for output in standard.graph.output:
        output.type.tensor_type.ClearField("shape")
    _state_kernels(standard)
    _check_weights(standard)
    inferred = onnx.shape_inference.infer_shapes(standard, strict_mode=True, data_prop=True).graph
    model = copy_of(model)
    del model.graph.value_info[:]
    known = {info.name: info for info in (*inferred.value_info, *inferred.output)}
    outputs = {info.name for info in model.graph.output}
    for node in model.graph.node:
        for tensor in node.output:
            if tensor not in known:
                continue
            shape = [dim.dim_value for dim in known[tensor].type.tensor_type.shape.dim]
            kind = known[tensor].type.tensor_type.elem_type or TensorProto.FLOAT
            if tensor in outputs or all(shape):
                model.set_tensor_shape(tensor, shape, kind)
    return model


def _state_kernels(standard: ModelProto) -> None:
    """Write down the sizes of kernels that files leave to the weights: onnx 1.21 compares these with nothing."""
    constants = {tensor.name: list(tensor.dims) for tensor in standard.graph.initializer}
    for node in standard.graph.node:
        given = constants.get(node.input[0]) if node.op_type in ("Identity", "Transpose") and node.input else None
        if given is not None:
            perm = attribute(node, "perm", range(len(given)) if node.op_type == "Identity" else range(len(given))[::-1])
            if sorted(perm) == list(range(len(given))):
                constants[node.output[0]] = [given[axis] for axis in perm]
        place = _CONVOLUTIONS.get(node.op_type, (0, 0))[1]
        if 0 < place < len(node.input) and node.input[place] in constants and attribute(node, "kernel_shape") is None:
            node.attribute.append(helper.make_attribute(
                "kernel_shape", constants[node.input[place]][2:], attr_type=AttributeProto.INTS))


def _check_weights(standard: ModelProto) -> None:
    """Refuse a convolution whose image or weights have not four axes, where onnx 1.21 ends the process for it.

    Shapes are inferred without them, then with those that have been looked at, until all have been.
    """
    unseen = [node for node in standard.graph.node if node.op_type == "ConvTranspose" or (
        node.op_type in _CONVOLUTIONS and attribute(node, "kernel_shape") is None)]
    for _ in range(_IN_A_ROW):
        if not unseen:
            return
        axes = _axes_without(standard, {node.output[0] for node in unseen})
        seen = [node for node in unseen if all(name in axes for name in _image_and_weights(node))]
        for node in seen or unseen:
            if not seen or any(axes[name] != _IMAGE_AXES for name in _image_and_weights(node)):
                raise ConfigurationError(f"The {node.op_type} {node.name or node.output[0]!r} has not an image and "
                                         "weights of four axes; export the network again.")
        unseen = [node for node in unseen if node not in seen]
    raise ConfigurationError(f"The network has more than {_IN_A_ROW} transposed convolutions in a row; use fewer.")


def _image_and_weights(node: NodeProto) -> list[str]:
    return [node.input[place] for place in _CONVOLUTIONS[node.op_type] if place < len(node.input)]


def _axes_without(standard: ModelProto, results: set[str]) -> dict[str, int]:
    """How many axes each tensor has, as far as they follow without the nodes that write these results."""
    graph = standard.graph
    # Shapes follow from small constants; of the others only their own shape counts.
    large = [helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims) for tensor in graph.initializer
             if math.prod(tensor.dims) > _LARGE]
    part = helper.make_model(helper.make_graph(
        [node for node in graph.node if results.isdisjoint(node.output)], "part", [*graph.input, *large], graph.output,
        [tensor for tensor in graph.initializer if math.prod(tensor.dims) <= _LARGE]))
    del part.opset_import[:]
    part.opset_import.extend(standard.opset_import)
    inferred = onnx.shape_inference.infer_shapes(part, data_prop=True).graph
    known = {info.name: len(info.type.tensor_type.shape.dim)
             for info in (*inferred.value_info, *inferred.input, *inferred.output)
             if info.type.tensor_type.HasField("shape")}
    return known | {tensor.name: len(tensor.dims) for tensor in inferred.initializer}


def _standard(node: NodeProto) -> list[NodeProto]:
    if node.domain in ("", "ai.onnx"):
        return [node]
    if node.domain != CHANNELS_LAST:
        return [helper.make_node("Identity", node.input[:1], node.output[:1], node.name)]
    # A tensor's name and these endings stand for the same tensor, channels first; two readers may both make it.
    source, result = f"{node.input[0]}@{node.output[0]}", f"{node.output[0]}@first"
    inner = NodeProto()
    inner.CopyFrom(node)
    inner.domain = ""
    inner.input[0], inner.output[0] = source, result
    nodes = [helper.make_node("Transpose", [node.input[0]], [source], perm=_TO_FIRST)]
    kind = node_kinds().get(node.op_type)
    for index in kind.kernels if kind is not None else ():
        inner.input[index] = f"{node.input[index]}@{node.output[0]}"
        nodes.append(helper.make_node("Transpose", [node.input[index]], [inner.input[index]], perm=_TO_FIRST))
    return [*nodes, inner, helper.make_node("Transpose", [result], [node.output[0]], perm=_TO_LAST)]
