"""The types of hls4ml's models as ours."""

from __future__ import annotations

from hls4ml.model.types import FixedPrecisionType, IntegerPrecisionType

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.types.fixed import ROUNDINGS, SATURATIONS, FixedType

__all__ = ["fixed_type"]


def fixed_type(node: str, precision: object) -> FixedType:
    """hls4ml's precision as a fixed-point type.

    Raises:
        IllegalGraphError: a type that is neither fixed-point nor integer, or one with saturation bits or
            sign-magnitude wrapping.
    """
    if isinstance(precision, IntegerPrecisionType):
        # ap_int drops the fraction of an ap_fixed as C does, towards zero.
        return FixedType(precision.width, 0, bool(precision.signed), "TRN_ZERO", "WRAP")
    if not isinstance(precision, FixedPrecisionType):
        raise IllegalGraphError(node, f"the type {precision} is no fixed-point type", "give it one")
    rounding, overflow = str(precision.rounding_mode), str(precision.saturation_mode)
    if precision.saturation_bits:
        raise IllegalGraphError(node, f"the type {precision} has saturation bits", "use a type without them")
    if rounding not in ROUNDINGS or overflow not in SATURATIONS:
        raise IllegalGraphError(node, f"the type {precision} has modes that are not supported",
                                f"use one of {', '.join(ROUNDINGS)} and of {', '.join(SATURATIONS)}")
    width = int(precision.width)
    return FixedType(width, width - int(precision.integer), bool(precision.signed), rounding, overflow)
