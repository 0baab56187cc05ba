"""This package's own node: step functions that no multiplication with a shift has.

The lowering of scales makes it (:mod:`quantunet_hls.ingest.passes.fit_scales`). It has the constants ``thresholds``
(channels or 1, thresholds) and ``falls`` (channels or 1) for inputs, and the attributes ``low``, ``fraction``,
``result`` and ``probabilities``: those of :class:`.stage.MultiThreshold`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.qonnx.graph import attribute, constant
from quantunet_hls.ops.qonnx.node_kinds import OWN, NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold, meaning_of
from quantunet_hls.types.fixed import FixedType, parse_type

__all__ = ["FACET", "threshold_node"]

_ROLES = ("thresholds", "falls")


def threshold_node(model: ModelWrapper, stage: MultiThreshold, source: str, result: str, name: str) -> NodeProto:
    """The node of a stage between two tensors; its constants are put into the model."""
    names = [f"{result}_{role}" for role in _ROLES]
    for constant_name, numbers in zip(names, (stage.thresholds, stage.falls), strict=True):
        model.set_initializer(constant_name, np.array(numbers, dtype=np.int64))
    return helper.make_node("MultiThreshold", [source, *names], [result], name=name, domain=OWN, low=stage.low,
                            fraction=stage.fraction, result=str(stage.type),
                            probabilities=int(stage.meaning is Meaning.PROBABILITIES))


def _stage(node: NodeProto, numbers: Sequence[np.ndarray]) -> MultiThreshold:
    thresholds, falls = numbers
    return MultiThreshold(parse_type(attribute(node, "result")), attribute(node, "low"),
                          tuple(map(tuple, thresholds.tolist())), tuple(map(bool, falls.tolist())),
                          attribute(node, "fraction"), meaning_of(attribute(node, "probabilities")))


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    """On images with the channels last, which they have by the time that there are such nodes."""
    stage = _stage(node, inputs[1:])
    codes = np.ldexp(inputs[0], stage.fraction).astype(np.int64)
    return np.ldexp(stage.apply(codes, FixedType(63, stage.fraction)).astype(np.float64), -stage.type.fraction)


def _ranges(model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    """It is monotone, so its ends have the ends of its levels."""
    (given,) = inputs
    stage = _stage(node, [np.asarray(constant(model, name)) for name in node.input[1:]])
    exact = given.at(min(given.exponent, -stage.fraction))
    levels = stage.apply(np.array([exact.low, exact.high]), FixedType(63, -exact.exponent))
    return Range(levels.min(0), levels.max(0), stage.type.exponent), LayerTypes(stage.type)


FACET = OnnxNodes((
    NodeKind("MultiThreshold", _run, _ranges, domains=(OWN,), admitted=False, roles=_ROLES, own_type=True),
))
