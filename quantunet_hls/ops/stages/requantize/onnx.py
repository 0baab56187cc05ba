"""This package's own node: what the lowering of scales makes of everything between integers and a quantizer.

``Requantize`` has the constants ``factors`` and ``offsets`` (lines, channels or 1) and ``splits`` (channels or 1, or
none) for inputs, and the attributes ``low``, ``high``, ``shift`` and ``fraction``: those of
:class:`.stage.Requantize`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import attribute, constant
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.types.fixed import FixedType, covering

__all__ = ["FACET", "requantize_node"]

_ROLES = ("factors", "offsets", "splits")


def requantize_node(model: ModelWrapper, stage: Requantize, source: str, result: str, name: str) -> NodeProto:
    """The node of a stage between two tensors; its constants are put into the model."""
    names = [f"{result}_{role}" for role in _ROLES]
    for constant_name, numbers in zip(names, (stage.factors, stage.offsets, stage.splits), strict=True):
        model.set_initializer(constant_name, np.array(numbers, dtype=np.int64))
    return helper.make_node("Requantize", [source, *names], [result], name=name, low=stage.low, high=stage.high,
                            shift=stage.shift, fraction=stage.fraction)


def _stage(node: NodeProto, numbers: Sequence[np.ndarray]) -> Requantize:
    factors, offsets, splits = numbers
    low, high, shift, fraction = (attribute(node, name) for name in ("low", "high", "shift", "fraction"))
    return Requantize(covering(low, high), low, high, shift, tuple(map(tuple, factors.tolist())),
                      tuple(map(tuple, offsets.tolist())), tuple(splits.tolist()), fraction)


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    """On images with the channels last, which they have by the time that there are such nodes."""
    stage = _stage(node, inputs[1:])
    codes = np.ldexp(inputs[0], stage.fraction).astype(np.int64)
    return stage.apply(codes, FixedType(63, stage.fraction)).astype(np.float64)


def _ranges(model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    """Each line is monotone, so its ends, and those of the parts that a split makes, have the ends of its levels."""
    (given,) = inputs
    numbers = [constant(model, name) for name in node.input[1:]]
    stage = _stage(node, [np.asarray(each) for each in numbers])
    exact = given.at(min(given.exponent, -stage.fraction))
    stage = stage.reading(-exact.exponent)
    codes = [exact.low, exact.high]
    if stage.splits:
        splits = np.broadcast_to(np.array(stage.splits), exact.low.shape)
        codes += [np.clip(splits - 1, exact.low, exact.high), np.clip(splits, exact.low, exact.high)]
    levels = stage.apply(np.array(codes), FixedType(63, stage.fraction))
    return Range(levels.min(0), levels.max(0), 0), LayerTypes(stage.type)


FACET = OnnxNodes((NodeKind("Requantize", _run, _ranges, admitted=False, roles=_ROLES),))
