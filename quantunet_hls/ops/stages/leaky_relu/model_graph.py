"""hls4ml's LeakyReLU."""

from __future__ import annotations

import numpy as np

from quantunet_hls.ops.model_graph import Node, StageReader, constant_codes
from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _read(node: Node, result: FixedType) -> LeakyRelu:
    kind = node.type("param_t")
    slope = constant_codes(node.name, np.array(node.real("activ_param")), kind)
    return LeakyRelu(result, int(slope), kind.fraction)


FACET = StageReader({"leakyrelu": _read, "leaky_relu": _read})
