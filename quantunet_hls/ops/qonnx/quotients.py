"""Sums that are divided by a whole number: no fixed-point numbers, but exact behind the quantizer that follows."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import consumers
from quantunet_hls.ops.qonnx.quantizers import quant_type
from quantunet_hls.ops.qonnx.ranges import Range
from quantunet_hls.types.fixed import FixedType

__all__ = ["cut_quotient"]


def cut_quotient(model: ModelWrapper, node: NodeProto, sums: Range, divisor: int) -> tuple[Range, FixedType]:
    """Quotients cut where the quantizers behind a node no longer notice, and the accumulator of such a division.

    A quotient is a whole multiple of ``1 / divisor`` finest steps. Where it is none of the places at which a
    quantizer's result changes, which are whole numbers or half ones, it is at least ``1 / (2 * divisor)`` away from
    it; so a quotient cut to steps of no more than that never reaches it.
    """
    finest = min(sums.exponent, *(quant_type(model, reader).exponent for reader in consumers(model, node.output[0])))
    exponent = finest - (2 * divisor - 1).bit_length()
    fine = sums.at(exponent)
    low, high = (np.sign(end) * (np.abs(end) // divisor) for end in (fine.low, fine.high))
    return Range(low, high, exponent), fine.with_zero().type()
