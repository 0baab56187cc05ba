"""ONNX's ``Relu``."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.bounds import Bounds
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.ranges import Range, Typed, positive_values
from quantunet_hls.ops.qonnx.values import Bend, Step

__all__ = ["FACET"]


def _run(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.maximum(inputs[0], 0)


def _ranges(_model: ModelWrapper, _node: NodeProto, inputs: Sequence[Range]) -> Typed:
    return positive_values(inputs)


def _steps(_model: ModelWrapper, _node: NodeProto, _axis: int) -> list[Step]:
    return [Bend(Fraction(0))]


FACET = OnnxNodes((
    NodeKind("Relu", _run, _ranges, on_sums=True, steps=_steps, pointwise=True,
             monotone=lambda _node, _constants: 1,
             bounds=lambda _node, inputs, _digits: inputs[0].most(Bounds.of(0))),
))
