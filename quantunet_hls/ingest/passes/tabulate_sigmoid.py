"""A sigmoid becomes what the hardware computes: a table."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import copy_of
from quantunet_hls.ops.stages import SIGMOID_TYPE, sigmoid_table

__all__ = ["TABLE_SIZE", "tabulate_sigmoid"]

#: hls4ml's default: 64 entries a unit of the logit, so a step of the table is at most 1/256.
TABLE_SIZE = 1024


def tabulate_sigmoid(model: ModelWrapper) -> ModelWrapper:
    """Each Sigmoid gets its table as a second input: real numbers, exact in :data:`SIGMOID_TYPE`.

    It is then no longer ONNX's, but hls4ml's: the entry at the input, cut towards zero to steps of the table.
    """
    model = copy_of(model)
    for node in model.graph.node:
        if node.op_type == "Sigmoid":
            codes = np.array(sigmoid_table(TABLE_SIZE, SIGMOID_TYPE, SIGMOID_TYPE))
            node.input.append(f"{node.output[0]}_table")
            model.set_initializer(node.input[1], (codes * SIGMOID_TYPE.step).astype(np.float32))
    return model
