"""This package's own node, and ONNX's ``BatchNormalization``, which is a line for each channel in front of a quantizer.

It becomes part of a ``Requantize``, which is what the lowering of scales
makes of everything between integers and a quantizer (:mod:`quantunet_hls.ingest.passes.absorb_scales`). That has the
constants ``factors`` and ``offsets`` (lines, channels or 1) and ``splits`` (channels or 1, or none) for inputs, and the
attributes ``low``, ``high``, ``shift``, ``fraction``, ``half_even`` and ``result_fraction``: those of
:class:`.stage.Requantize` and of its type. Until they are fitted there are none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute, constant, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed
from quantunet_hls.ops.qonnx.values import Line, Step, exact
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
                            shift=stage.shift, fraction=stage.fraction, half_even=int(stage.half_even),
                            result_fraction=stage.type.fraction)


def _stage(node: NodeProto, numbers: Sequence[np.ndarray]) -> Requantize:
    factors, offsets, splits = numbers
    low, high, shift, fraction, even, behind = (
        attribute(node, name) for name in ("low", "high", "shift", "fraction", "half_even", "result_fraction"))
    return Requantize(covering(low, high, behind), low, high, shift, tuple(map(tuple, factors.tolist())),
                      tuple(map(tuple, offsets.tolist())), tuple(splits.tolist()), fraction, bool(even))


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    """On images with the channels last, which they have by the time that there are such nodes."""
    stage = _stage(node, inputs[1:])
    codes = np.ldexp(inputs[0], stage.fraction).astype(np.int64)
    return np.ldexp(stage.apply(codes, FixedType(63, stage.fraction)).astype(np.float64), -stage.type.fraction)


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
    return Range(levels.min(0), levels.max(0), stage.type.exponent), LayerTypes(stage.type)


def _is_normalized(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    values = [value for name in node.input[1:5] if (value := constant(model, name)) is not None]
    if len(values) != 4 or attribute(node, "training_mode", 0):
        return IllegalGraphError(node.name, "it computes statistics of the images that it is given",
                                 "export the network in eval mode")
    shape = shape_of(model, node.input[0])
    channels = shape[-1 if node.domain == CHANNELS_LAST else 1]
    if any(value.shape != (channels,) for value in values):
        return IllegalGraphError(node.name, f"its parameters are not one for each of {channels} channels",
                                 "export the network again")
    if not all(np.all(np.isfinite(value)) for value in values) or np.any(_deviation(node, values[3]) <= 0):
        return IllegalGraphError(node.name, "its parameters hold values that are no finite numbers, or no variances",
                                 "train the network again from a checkpoint before they appeared")
    return None


def _deviation(node: NodeProto, variance: np.ndarray) -> np.ndarray:
    """The square root in double precision: the one number of a graph that is rounded, for it is no fraction."""
    return np.sqrt(np.asarray(variance, np.float64) + attribute(node, "epsilon", 1e-5))


def _normalizing(model: ModelWrapper, node: NodeProto, _axis: int) -> list[Step]:
    gamma, beta, mean, variance = (np.asarray(constant(model, name), np.float64) for name in node.input[1:5])
    found: list[Step] = []
    for deviation, *numbers in zip(_deviation(node, variance), gamma, beta, mean, strict=True):
        scale, shift, center = map(exact, numbers)
        factor = scale / exact(deviation)
        found.append(Line(factor, shift - center * factor))
    return found


def _normalize(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    shape = (-1,) if node.domain == CHANNELS_LAST else (-1, 1, 1)
    gamma, beta, mean, deviation = (np.asarray(value, np.float64).reshape(shape)
                                    for value in (*inputs[1:4], _deviation(node, inputs[4])))
    return (inputs[0] - mean) * (gamma / deviation) + beta


FACET = OnnxNodes((
    NodeKind("Requantize", _run, _ranges, admitted=False, roles=_ROLES, own_type=True, pointwise=True),
    NodeKind("BatchNormalization", _normalize, rules=(_is_normalized,), spatial=True, steps=_normalizing, on_sums=True,
             roles=("gamma", "beta", "mean", "variance"), alone=lambda _node: False),
))
