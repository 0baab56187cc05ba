"""What a layer does to each value by itself, behind its sums: a room for each such stage."""

from quantunet_hls.ops.stages.base import Stage, apply_stages
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu
from quantunet_hls.ops.stages.quotient.stage import Quotient
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.stages.sigmoid.stage import (
    SIGMOID_REACH,
    SIGMOID_TYPE,
    Sigmoid,
    sigmoid_index,
    sigmoid_table,
)
from quantunet_hls.ops.stages.threshold.stage import BIT, Threshold

__all__ = ["BIT", "SIGMOID_REACH", "SIGMOID_TYPE", "Cast", "LeakyRelu", "Quotient", "Relu", "Sigmoid", "Stage",
           "Threshold", "apply_stages", "sigmoid_index", "sigmoid_table"]
