"""Static shapes everywhere, constants folded, a batch of one."""

from __future__ import annotations

import numpy as np
from qonnx.analysis.topology import nodes_topologically_sorted
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.general import (
    GiveUniqueNodeNames,
    RemoveUnusedTensors,
    SortGraph,
)

from quantunet_hls.errors import ConfigurationError
from quantunet_hls.ingest.graph import QUANT_OPS, copy_of
from quantunet_hls.ingest.passes.infer_shapes import infer_shapes

__all__ = ["tidy"]


def tidy(model: ModelWrapper) -> ModelWrapper:
    """Every tensor has a static shape, every node a name, and what only depends on constants is computed.

    Quant nodes on constants stay, for the legality check to see.

    Raises:
        ConfigurationError: shapes are left open, or can't be inferred.
    """
    model = copy_of(model)
    _remove_optional_inputs(model)
    (source,) = model.graph.input
    sizes = [dim.dim_value for dim in source.type.tensor_type.shape.dim]
    if len(sizes) != 4 or any(size < 1 for size in sizes[1:]):
        raise ConfigurationError(
            f"The network's input {source.name!r} has the shape {sizes}, where an image needs four fixed sizes "
            "(batch, channels, height, width); export it for a fixed image size."
        )
    try:
        if not model.analysis(nodes_topologically_sorted)["nodes_topologically_sorted"]:
            model = model.transform(SortGraph())
        source.type.tensor_type.shape.dim[0].dim_value = 1
        model = infer_shapes(model)
        # Without qonnx's cleanup, which sorts: an order that is one already stays, for it is the order in
        # which a module ran its layers, and by which they are told apart.
        fold = FoldConstants(exclude_op_types=[*QUANT_OPS, "BipolarQuant"])
        model = model.transform(fold, cleanup=False).transform(RemoveUnusedTensors(), cleanup=False)
        model = infer_shapes(model)
    except Exception as error:  # qonnx, onnx and onnxruntime raise many kinds here; all mean the file is at fault
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigurationError(f"The network's graph is malformed ({line}); export it again.") from error
    if any(not node.name for node in model.graph.node):
        model = model.transform(GiveUniqueNodeNames(), cleanup=False)
    _give_own_constants(model)
    for node in model.graph.node:
        for tensor in node.output:
            shape = model.get_tensor_shape(tensor)
            if shape is None or any(size < 1 for size in shape):
                raise ConfigurationError(
                    f"The shape of {tensor!r}, output of node {node.name!r}, can't be inferred; "
                    "export the network for a fixed image size."
                )
    return model


def _give_own_constants(model: ModelWrapper) -> None:
    """Every quantizer gets scale, zero point and width of its own.

    Exporters merge equal constants: the 2.0 of a scale and of a width of 2 bits become
    one, which hls4ml takes in at its first use and then misses at the second.
    """
    used: set[str] = set()
    for node in model.graph.node:
        if node.op_type not in QUANT_OPS:
            continue
        for index, name in enumerate(node.input):
            value = model.get_initializer(name) if index else None
            if value is not None and name in used:
                node.input[index] = model.make_new_valueinfo_name()
                model.set_initializer(node.input[index], value)
            used.add(node.input[index])


def _remove_optional_inputs(model: ModelWrapper) -> None:
    """Absent inputs at the end go; Resize's absent region of interest becomes an empty tensor with a name.

    qonnx and hls4ml both look up every input by name (qonnx issue 150).
    """
    for node in model.graph.node:
        while node.input and not node.input[-1]:
            node.input.pop()
        for index, name in enumerate(node.input):
            if name == "" and node.op_type == "Resize":
                empty = f"{node.name or node.output[0]}_no_roi"
                model.set_initializer(empty, np.zeros(0, dtype=np.float32))
                node.input[index] = empty
