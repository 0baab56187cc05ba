"""A comparison as hls4ml's layer of the operator ``argmax``, which computes both."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.cpp.facet import CppNode, StageCpp
from quantunet_hls.ops.qonnx.graph import constant, set_attribute
from quantunet_hls.ops.qonnx.ranges import to_steps
from quantunet_hls.ops.stages.threshold.stage import Threshold

__all__ = ["FACET"]


def _prepare(model: ModelWrapper, node: NodeProto) -> None:
    """The limit becomes an attribute."""
    limit = constant(model, node.input[1])
    assert limit is not None, "the legality check wants a constant limit"
    steps, exponent = to_steps(np.asarray(limit).reshape(1))
    set_attribute(node, "limit", int(steps[0]))
    set_attribute(node, "limit_fraction", -exponent)
    del node.input[1:]


FACET: StageCpp[Threshold] = StageCpp(nodes={"Greater": CppNode(prepare=_prepare)})
