"""What only depends on constants is computed, all at once.

qonnx's own pass starts anew behind each node that it folds, runs whatever operator the file
names (loops and modules that a domain's name imports among them), and makes a tensor of any size.
"""

from __future__ import annotations

import math

import numpy as np
import onnxruntime
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ingest.limits import check_constants
from quantunet_hls.ops.qonnx.graph import attribute, copy_of, is_constant, only, replace_nodes

__all__ = ["FOLDABLE", "fold_constants"]

#: What exporters compute on constants. Each takes time in proportion to what it reads and writes.
FOLDABLE = frozenset((
    "Abs", "Add", "And", "Cast", "Ceil", "Clip", "Concat", "Constant", "ConstantOfShape", "Div",
    "Equal", "Exp", "Expand", "Flatten", "Floor", "Gather", "Greater", "GreaterOrEqual", "Identity", "Less",
    "LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pad", "Pow", "Range",
    "Reciprocal", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Relu", "Reshape", "Resize",
    "Round", "ScatterND", "Shape", "Sigmoid", "Sign", "Size", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tile",
    "Transpose", "Unsqueeze", "Upsample", "Where",
))
_STANDARD = ("", "ai.onnx")


def fold_constants(model: ModelWrapper) -> tuple[ModelWrapper, bool]:
    """The graph with the results of standard operators on constants as constants, and whether there were any.

    Shapes must have been inferred; a node whose result's shape is not known yet stays.

    Raises:
        ConfigurationError: the results would be too large.
    """
    model = copy_of(model)
    result = only(model, "output")
    # Limits of weights' codes say how wide these are; what is said of codes, linear_quantizers reads.
    codes = {name for node in model.graph.node if node.op_type == "DequantizeLinear" for name in node.input[:1]}
    folded: list[NodeProto] = []
    shapes: dict[str, list[int]] = {}
    kept: list[NodeProto] = []
    for node in model.graph.node:
        if _of_known_shape(model, node):
            # What it says is known without the values; opset 15's may ask for a part of the shape.
            shape = model.get_tensor_shape(node.input[0])
            part = shape[attribute(node, "start", 0):attribute(node, "end")]
            value = math.prod(shape) if node.op_type == "Size" else part
            model.set_initializer(node.output[0], np.array(value, dtype=np.int64))
            continue
        known = {name: _known_shape(model, name) for name in node.output if name}
        if (node.op_type in FOLDABLE and node.domain in _STANDARD and result not in node.output
                and not (node.op_type == "Clip" and node.output[0] in codes)
                and all(not name or name in shapes or is_constant(model, name) for name in node.input)
                and all(shape is not None for shape in known.values())):
            folded.append(node)
            shapes |= {name: shape for name, shape in known.items() if shape is not None}
        else:
            kept.append(node)
    changed = len(kept) < len(model.graph.node)
    if folded:
        check_constants(shapes.items(), "the network, once computed,")
        needed = {name for node in kept for name in node.input} & set(shapes)
        for name, value in _computed(model, folded, sorted(needed)).items():
            model.set_initializer(name, value)
    replace_nodes(model, kept)
    return model, changed


def _of_known_shape(model: ModelWrapper, node: NodeProto) -> bool:
    """Whether it asks for a shape, or its size, that is known."""
    return (node.op_type in ("Shape", "Size") and node.domain in _STANDARD
            and _known_shape(model, node.input[0]) is not None)


def _known_shape(model: ModelWrapper, tensor: str) -> list[int] | None:
    shape = model.get_tensor_shape(tensor)
    return None if shape is None or any(size < 1 for size in shape) else list(shape)


def _computed(model: ModelWrapper, nodes: list[NodeProto], needed: list[str]) -> dict[str, np.ndarray]:
    if not needed:
        return {}
    read = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes, "constants", [], [model.get_tensor_valueinfo(name) for name in needed],
        initializer=[tensor for tensor in model.graph.initializer if tensor.name in read])
    opsets = [entry for entry in model.model.opset_import if entry.domain in _STANDARD]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=model.model.ir_version)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return {name: np.asarray(value) for name, value in zip(needed, session.run(needed, {}), strict=True)}
