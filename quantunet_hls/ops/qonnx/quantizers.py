"""What a quantizer's node says."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import attribute, constant
from quantunet_hls.types.fixed import FixedType

__all__ = ["quant_type"]


def quant_type(model: ModelWrapper, node: NodeProto) -> FixedType:
    """The type of a Quant node with a scalar power-of-two scale (QONNX's definition of Quant)."""
    scale, bits = (constant(model, node.input[index]) for index in (1, 3))
    assert scale is not None
    assert bits is not None
    signed = bool(attribute(node, "signed"))
    width = int(bits.flat[0])
    exponent = int(np.log2(scale.flat[0]))
    rounding = "RND_CONV" if attribute(node, "rounding_mode") == "ROUND" else "TRN"
    saturation = "SAT_SYM" if attribute(node, "narrow") else "SAT"
    return FixedType(width, -exponent, signed, rounding, saturation)
