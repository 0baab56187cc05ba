"""What the result depends on, with static shapes everywhere, constants folded, a batch of one."""

from __future__ import annotations

from graphlib import TopologicalSorter

import numpy as np
import onnx
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError
from quantunet_hls.ingest.limits import check_sizes
from quantunet_hls.ingest.passes.current_forms import current_forms
from quantunet_hls.ingest.passes.fold_constants import fold_constants
from quantunet_hls.ingest.passes.infer_shapes import infer_shapes
from quantunet_hls.ops.qonnx.graph import (
    QUANT_OPS,
    copy_of,
    drop_unused,
    is_constant,
    needed_for,
    only,
    replace_nodes,
)

__all__ = ["tidy"]

#: How often shapes may have to be inferred for the next constants to be known.
_ROUNDS = 8


def tidy(model: ModelWrapper) -> ModelWrapper:
    """Every tensor has a static shape, every node a name, and what only depends on constants is computed.

    Nodes that the result does not depend on go, and outputs behind a node's first one that nobody reads. Quant nodes
    on constants stay, for the legality check to see.

    Raises:
        ConfigurationError: shapes are left open, can't be inferred, or are too large.
    """
    model = copy_of(current_forms(model))
    _drop_needless(model)
    _remove_absent(model)
    (source,) = model.graph.input
    sizes = [dim.dim_value for dim in source.type.tensor_type.shape.dim]
    if len(sizes) == 5:
        raise ConfigurationError(
            f"The network's input {source.name!r} has the shape {sizes}, so it reads volumes, for which there is no "
            "hardware; train a network of two-dimensional layers (nn.Conv2d) on their slices."
        )
    if len(sizes) != 4 or any(size < 1 for size in sizes[1:]):
        raise ConfigurationError(
            f"The network's input {source.name!r} has the shape {sizes}, where an image needs four fixed sizes "
            "(batch, channels, height, width); export it for a fixed image size."
        )
    try:
        # An order that is one already stays, for it is the order in which a module ran its layers, and by which
        # they are told apart.
        if not _is_sorted(model):
            _sort(model)
        source.type.tensor_type.shape.dim[0].dim_value = 1
        model = infer_shapes(model)
        for _ in range(_ROUNDS):
            model, changed = fold_constants(model)
            if not changed:
                break
            model = infer_shapes(model)
        # What was there for its shape alone.
        _drop_needless(model)
        _drop_unread_outputs(model)
        drop_unused(model)
    except QuantUNetError:
        raise
    except Exception as error:  # qonnx, onnx and onnxruntime raise many kinds here; all mean the file is at fault
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigurationError(f"The network's graph is malformed ({line}); export it again.") from error
    _name_nameless(model)
    _give_own_constants(model)
    for node in model.graph.node:
        for tensor in node.output:
            shape = model.get_tensor_shape(tensor)
            if shape is None or any(size < 1 for size in shape):
                raise ConfigurationError(
                    f"The shape of {tensor!r}, output of node {node.name!r}, can't be inferred; "
                    "export the network for a fixed image size."
                )
    check_sizes(model)
    return model


def _name_nameless(model: ModelWrapper) -> None:
    """Nodes without a name are counted by type; all others keep theirs."""
    taken = {node.name for node in model.graph.node}
    counts: dict[str, int] = {}
    for node in model.graph.node:
        while not node.name:
            count = counts.get(node.op_type, 0)
            counts[node.op_type] = count + 1
            if f"{node.op_type}_{count}" not in taken:
                node.name = f"{node.op_type}_{count}"


def _is_sorted(model: ModelWrapper) -> bool:
    """Whether no node reads what a later one writes."""
    later = {name for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if not later.isdisjoint(node.input):
            return False
        later.difference_update(node.output)
    return True


def _sort(model: ModelWrapper) -> None:
    """Nodes behind those whose results they read."""
    nodes = list(model.graph.node)
    writers = {name: place for place, node in enumerate(nodes) for name in node.output}
    sorter = TopologicalSorter({place: {writers[name] for name in node.input if name in writers}
                                for place, node in enumerate(nodes)})
    replace_nodes(model, [nodes[place] for place in sorter.static_order()])


def _drop_needless(model: ModelWrapper) -> None:
    """Nodes that the result does not depend on go."""
    replace_nodes(model, needed_for(model.graph.node, [only(model, "output")]))


def _give_own_constants(model: ModelWrapper) -> None:
    """Every quantizer gets scale, zero point and width of its own.

    Exporters merge equal constants: the 2.0 of a scale and of a width of 2 bits become
    one, which hls4ml takes in at its first use and then misses at the second.
    """
    used: set[str] = set()
    taken = {name for node in model.graph.node for name in (*node.input, *node.output)}
    count = 0
    for node in model.graph.node:
        if node.op_type not in QUANT_OPS:
            continue
        for index, name in enumerate(node.input):
            if index and name in used and is_constant(model, name):
                count += 1
                own = f"{name}_own{count}"
                while own in taken:
                    count += 1
                    own = f"{name}_own{count}"
                model.set_initializer(own, model.get_initializer(name))
                node.input[index] = own
            used.add(node.input[index])


def _drop_unread_outputs(model: ModelWrapper) -> None:
    """Optional outputs behind others that nobody reads go, such as a dropout's mask."""
    read = {name for node in model.graph.node for name in node.input} | {only(model, "output")}
    opset = max(entry.version for entry in model.model.opset_import if entry.domain in ("", "ai.onnx"))
    for node in model.graph.node:
        while len(node.output) > 1 and node.output[-1] not in read and _is_optional(node, len(node.output) - 1, opset):
            node.output.pop()


def _is_optional(node: NodeProto, place: int, opset: int) -> bool:
    """Whether an operator of ONNX may leave an output out; of a Split's a missing one would change the others."""
    if node.domain not in ("", "ai.onnx"):
        return False
    outputs = onnx.defs.get_schema(node.op_type, opset, "").outputs
    return place < len(outputs) and outputs[place].option == onnx.defs.OpSchema.FormalParameterOption.Optional


def _remove_absent(model: ModelWrapper) -> None:
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
