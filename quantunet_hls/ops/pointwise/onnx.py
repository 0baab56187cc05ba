"""What ONNX and QONNX do to each value by itself: quantizers, ReLUs, sigmoids, comparisons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from onnx import NodeProto, TensorProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.ends import at_the_end, bypass_source, lone_source, state_result
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, attribute, constant, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, Relabelling
from quantunet_hls.ops.qonnx.quantizers import INT_QUANT, QUANT
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed
from quantunet_hls.ops.stages import SIGMOID_REACH, SIGMOID_TYPE, sigmoid_table

__all__ = ["NODES", "TABLE_SIZE"]

#: hls4ml's default: 64 entries a unit of the logit, so a step of the table is at most 1/256.
TABLE_SIZE = 1024


def _run_relu(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.maximum(inputs[0], 0)


def _relu_ranges(_model: ModelWrapper, _node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    result = Range(np.maximum(given.low, 0), np.maximum(given.high, 0), given.exponent)
    return result, LayerTypes(result.type())


def _has_exact_slope(_model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    slope = float(np.float32(attribute(node, "alpha", 0.01)))
    if not 0 <= slope <= 1 or (slope and np.frexp(slope)[0] != 0.5):
        return IllegalGraphError(node.name, f"a LeakyReLU slope of {slope:g} is no power of two, so it can't be exact",
                                 "use a slope such as 0.125 or 0.25")
    return None


def _run_leaky_relu(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.where(inputs[0] < 0, inputs[0] * attribute(node, "alpha", 0.01), inputs[0])


def _leaky_relu_ranges(model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    slope = float(attribute(node, "alpha", 0.01))
    if slope == 0:
        return _relu_ranges(model, node, inputs)
    fine = given.at(given.exponent + int(np.log2(slope)))
    low = np.where(given.low < 0, given.low, fine.low)
    high = np.where(given.high < 0, given.high, fine.high)
    result = Range(low, high, fine.exponent)
    return result, LayerTypes(result.type())


def _tabulated(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """With its table as a second input: real numbers, exact in :data:`SIGMOID_TYPE`.

    It is then no longer ONNX's, but hls4ml's: the entry at the input, cut towards zero to steps of the table.
    """
    codes = np.array(sigmoid_table(TABLE_SIZE, SIGMOID_TYPE, SIGMOID_TYPE))
    node.input.append(f"{node.output[0]}_table")
    model.set_initializer(node.input[1], (codes * SIGMOID_TYPE.step).astype(np.float32))
    return [node]


def _run_sigmoid(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    if len(inputs) == 1:
        return torch.sigmoid(torch.from_numpy(inputs[0])).numpy()
    size = len(inputs[1])
    index = np.trunc(inputs[0] * (size // (2 * SIGMOID_REACH))) + size // 2
    return np.asarray(inputs[1], dtype=np.float64)[np.clip(index, 0, size - 1).astype(np.int64)]


def _sigmoid_ranges(model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    table = constant(model, node.input[1])
    assert table is not None, "lowering gives it one"
    steps = np.ldexp(table.astype(np.float64), SIGMOID_TYPE.fraction).astype(np.int64)
    ends = [np.full_like(given.low, end) for end in (steps.min(), steps.max())]
    return Range(ends[0], ends[1], SIGMOID_TYPE.exponent), LayerTypes(SIGMOID_TYPE)


def _has_one_limit(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    limit = constant(model, node.input[1])
    if constant(model, node.input[0]) is not None or limit is None or limit.size != 1 or not np.isfinite(limit).all():
        return IllegalGraphError(node.name, "a comparison must be with one constant",
                                 "compare the logits with a number")
    source = model.find_producer(node.input[0])
    if source is not None and source.op_type == "Sigmoid":
        return IllegalGraphError(node.name, f"a sigmoid is compared with {limit.flat[0]:g}",
                                 "compare it with 0.5, or its logits with the logit of that")
    return None


def _plain_comparison(model: ModelWrapper, node: NodeProto) -> None:
    """A sigmoid that is compared with 0.5 goes: its logit is compared with 0 instead."""
    shape, source, limit = shape_of(model, node.input[0]), lone_source(model, node), constant(model, node.input[1])
    if (source is not None and source.op_type == "Sigmoid" and limit is not None and limit.size == 1
            and float(limit.flat[0]) == 0.5):
        bypass_source(model, node, source)
        node.input[1] = f"{node.output[0]}_limit"
        model.set_initializer(node.input[1], np.zeros(1, dtype=np.float32))
    state_result(model, node, shape, TensorProto.BOOL)


def _check_one_channel(place: Relabelling) -> None:
    if (channels := place.shape[1]) != 1:
        raise IllegalGraphError(place.node.name, f"a comparison of {channels} channels makes a mask of each",
                                "use ArgMax, or compare a single channel")


def _run_comparison(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return (inputs[0] > inputs[1]).astype(np.float64)


def _comparison_ranges(_model: ModelWrapper, _node: NodeProto, _inputs: Sequence[Range]) -> Typed:
    result = Range(np.zeros(1, np.int64), np.ones(1, np.int64), 0)
    return result, LayerTypes(result.type())


NODES = (
    QUANT,
    INT_QUANT,
    NodeKind("Relu", _run_relu, _relu_ranges),
    NodeKind("LeakyRelu", _run_leaky_relu, _leaky_relu_ranges, rules=(_has_exact_slope,)),
    NodeKind("Sigmoid", _run_sigmoid, _sigmoid_ranges, rules=(at_the_end(passing=QUANT_OPS),), roles=("table",),
             real=True, lowered=_tabulated),
    NodeKind("Greater", _run_comparison, _comparison_ranges, rules=(at_the_end(), _has_one_limit), roles=("limit",),
             classes=True, plain_end=_plain_comparison, relabel=_check_one_channel),
)
