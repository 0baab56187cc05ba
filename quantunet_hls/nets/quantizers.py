"""Brevitas quantizers with power-of-two scales, made for a given bit width.

A fixed-point type of hardware has a step of 2**-f, so every scale here is a
power of two; Brevitas's ``FixedPoint`` quantizers supply the arithmetic.
"""

from __future__ import annotations

from brevitas.core.function_wrapper.ops_ste import RoundSte
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import (
    Int8Bias,
    Int8WeightPerTensorFixedPoint,
    Uint8ActPerTensorFixedPoint,
)

from quantunet_hls.errors import ConfigurationError

__all__ = ["CALIBRATION_STEPS", "activation_quantizer", "bias_quantizer", "input_quantizer", "weight_quantizer"]

#: Forward passes in training mode after which an activation's scale turns from a statistic into a parameter.
CALIBRATION_STEPS = 20

#: Range of a tensor that is all zeros (a dead layer). Brevitas's own, 1e-10, is no power of two.
_SMALLEST_RANGE = 2.0**-16


def _check_width(kind: str, bits: int, low: int, high: int) -> None:
    if not isinstance(bits, int) or isinstance(bits, bool) or not low <= bits <= high:
        raise ConfigurationError(f"{kind} bits must be a whole number from {low} to {high}, not {bits!r}.")


def weight_quantizer(bits: int) -> type:
    """Signed, symmetric (narrow) weights with one scale a layer.

    The scale follows the largest weight, rounded to the *nearest* power of two:
    rounding up, Brevitas's default, wastes up to half of a narrow type's codes.
    """
    _check_width("Weight", bits, 2, 16)
    return Int8WeightPerTensorFixedPoint.let(
        bit_width=bits, restrict_value_float_to_int_impl=RoundSte, scaling_min_val=_SMALLEST_RANGE
    )


def activation_quantizer(bits: int) -> type:
    """Unsigned activations behind a ReLU; the scale is learned, from a percentile of the first batches on."""
    _check_width("Activation", bits, 1, 16)
    return Uint8ActPerTensorFixedPoint.let(
        bit_width=bits, collect_stats_steps=CALIBRATION_STEPS, scaling_min_val=_SMALLEST_RANGE
    )


def bias_quantizer(bits: int) -> type:
    """Biases at the accumulator's own step (input scale times weight scale), so that adding them is exact."""
    _check_width("Bias", bits, 2, 32)
    return Int8Bias.let(bit_width=bits)


def input_quantizer(bits: int) -> type:
    """The input port: unsigned, full scale 1.0, so an 8-bit grey value v stands for exactly v / 256."""
    _check_width("Input", bits, 1, 16)
    return Uint8ActPerTensorFixedPoint.let(
        bit_width=bits,
        scaling_impl_type=ScalingImplType.CONST,
        scaling_init=1.0,
    )
