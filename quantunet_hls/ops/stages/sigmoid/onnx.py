"""ONNX's ``Sigmoid`` at a network's end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.bounds import sigmoid
from quantunet_hls.ops.qonnx.ends import at_the_end
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, constant
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed
from quantunet_hls.ops.stages.sigmoid.stage import SIGMOID_REACH, SIGMOID_TYPE, sigmoid_table
from quantunet_hls.ops.stages.table.onnx import why_no_table

__all__ = ["FACET", "TABLE_SIZE"]

#: hls4ml's default: 64 entries a unit of the logit, so a step of the table is at most 1/256.
TABLE_SIZE = 1024


def _at_the_end_or_in_a_table(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    return None if at_the_end(passing=QUANT_OPS)(model, node) is None else why_no_table(model, node)


def _tabulated(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """With its table as a second input: real numbers, exact in :data:`SIGMOID_TYPE`.

    It is then no longer ONNX's, but hls4ml's: the entry at the input, cut towards zero to steps of the table.
    """
    codes = np.array(sigmoid_table(TABLE_SIZE, SIGMOID_TYPE, SIGMOID_TYPE))
    node.input.append(f"{node.output[0]}_table")
    model.set_initializer(node.input[1], (codes * SIGMOID_TYPE.step).astype(np.float32))
    return [node]


def _run(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    if len(inputs) == 1:
        return torch.sigmoid(torch.from_numpy(inputs[0])).numpy()
    size = len(inputs[1])
    index = np.trunc(inputs[0] * (size // (2 * SIGMOID_REACH))) + size // 2
    return np.asarray(inputs[1], dtype=np.float64)[np.clip(index, 0, size - 1).astype(np.int64)]


def _ranges(model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    table = constant(model, node.input[1])
    assert table is not None, "lowering gives it one"
    steps = np.ldexp(table.astype(np.float64), SIGMOID_TYPE.fraction).astype(np.int64)
    ends = [np.full_like(given.low, end) for end in (steps.min(), steps.max())]
    return Range(ends[0], ends[1], SIGMOID_TYPE.exponent), LayerTypes(SIGMOID_TYPE)


FACET = OnnxNodes((
    NodeKind("Sigmoid", _run, _ranges, rules=(_at_the_end_or_in_a_table,), roles=("table",), real=True,
             lowered=_tabulated, gate=lambda _node: True, monotone=lambda _node, _constants: 1,
             bounds=lambda _node, inputs, digits: inputs[0].rising(partial(sigmoid, digits=digits))),
))
