"""Brevitas quantizers with power-of-two scales, made for a given bit width.

A fixed-point type of hardware has a step of 2**-f, so every scale here is a
power of two; Brevitas's ``FixedPoint`` quantizers supply the arithmetic.
"""

from __future__ import annotations

from brevitas.core.function_wrapper.ops_ste import RoundSte
from brevitas.inject.enum import BitWidthImplType, ScalingImplType
from brevitas.quant import (
    Int8Bias,
    Int8WeightPerTensorFixedPoint,
    Uint8ActPerTensorFixedPoint,
)
from torch import Tensor, nn

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.nets.fake_quantize import BlockwiseIntQuant

__all__ = [
    "CALIBRATION_STEPS",
    "NARROWEST_ACTIVATION",
    "NARROWEST_WEIGHT",
    "activation_quantizer",
    "bias_quantizer",
    "input_quantizer",
    "level_weight_quantizer",
    "weight_quantizer",
]

#: Forward passes in training mode after which an activation's scale turns from a statistic into a parameter.
CALIBRATION_STEPS = 20

#: Range of a tensor that is all zeros (a dead layer). Brevitas's own, 1e-10, is no power of two.
_SMALLEST_RANGE = 2.0**-16

#: Narrowest widths that learning goes down to. A weight needs its sign and one value; an activation of 1 bit
#: would be exported as a bipolar quantizer, which the hardware flow does not build.
NARROWEST_WEIGHT, NARROWEST_ACTIVATION = 2, 2


def _check_width(kind: str, bits: int, low: int, high: int) -> None:
    if not isinstance(bits, int) or isinstance(bits, bool) or not low <= bits <= high:
        raise ConfigurationError(f"{kind} bits must be a whole number from {low} to {high}, not {bits!r}.")


def _check_fraction(kind: str, fraction: int | None) -> None:
    if fraction is not None and (not isinstance(fraction, int) or isinstance(fraction, bool) or abs(fraction) > 32):
        raise ConfigurationError(f"{kind} fraction bits must be a whole number from -32 to 32, not {fraction!r}.")


def weight_quantizer(bits: int, *, fraction: int | None = None, learned: bool = False) -> type:
    """Signed, symmetric (narrow) weights with one scale a layer.

    The scale follows the largest weight, rounded to the *nearest* power of two:
    rounding up, Brevitas's default, wastes up to half of a narrow type's codes.

    Args:
        bits: width, sign included; where it is learned, the one that learning starts at.
        fraction: fixes the step to 2**-fraction whatever the weights are; those beyond the range saturate.
        learned: make the width a parameter of the training.
    """
    _check_width("Weight", bits, NARROWEST_WEIGHT, 16)
    _check_fraction("Weight", fraction)
    quantizer = Int8WeightPerTensorFixedPoint.let(
        bit_width=bits, restrict_value_float_to_int_impl=RoundSte, scaling_min_val=_SMALLEST_RANGE,
        int_quant=BlockwiseIntQuant,
    )
    return _learning(_fixed(quantizer, bits - 1, fraction), learned, NARROWEST_WEIGHT)


def activation_quantizer(bits: int, *, fraction: int | None = None, learned: bool = False) -> type:
    """Unsigned activations behind a ReLU; the scale is learned, from a percentile of the first batches on.

    Arguments as for :func:`weight_quantizer`; there is no sign bit.
    """
    _check_width("Activation", bits, 1, 16)
    _check_fraction("Activation", fraction)
    quantizer = Uint8ActPerTensorFixedPoint.let(
        bit_width=bits, collect_stats_steps=CALIBRATION_STEPS, scaling_min_val=_SMALLEST_RANGE,
        int_quant=BlockwiseIntQuant,
    )
    return _learning(_fixed(quantizer, bits, fraction), learned, NARROWEST_ACTIVATION)


def _fixed(quantizer: type, magnitude_bits: int, fraction: int | None) -> type:
    if fraction is None:
        return quantizer
    # Brevitas divides the range by 2**magnitude_bits to get the step.
    settings = {"scaling_impl_type": ScalingImplType.CONST, "scaling_init": 2.0 ** (magnitude_bits - fraction),
                "scaling_min_val": None}
    return quantizer.let(**settings)  # type: ignore[attr-defined]


def _learning(quantizer: type, learned: bool, narrowest: int) -> type:
    if not learned:
        return quantizer
    return quantizer.let(  # type: ignore[attr-defined]
        bit_width_impl_type=BitWidthImplType.PARAMETER, min_bit_width=narrowest
    )


class _LargestOfFilter(nn.Module):
    """Scale of weights that have but one magnitude a filter: that magnitude, which is a power of two."""

    def __init__(self, filter_axis: int) -> None:  # Brevitas reads what a part needs from its signature
        super().__init__()
        self._others = tuple(axis for axis in range(4) if axis != filter_axis)

    def forward(self, weights: Tensor, threshold: Tensor) -> Tensor:
        del threshold
        return weights.detach().abs().amax(dim=self._others, keepdim=True).clamp(min=_SMALLEST_RANGE)


def level_weight_quantizer(filter_axis: int = 0) -> type:
    """Weights that are -a, 0 or a already, with a power of two ``a`` for each filter: 2 bits, narrow, exact.

    They become so by :func:`quantunet_hls.nets.levels.use_levels`.

    Args:
        filter_axis: of the weights; 1 of a transposed convolution.
    """
    return Int8WeightPerTensorFixedPoint.let(bit_width=2, filter_axis=filter_axis, scaling_impl=_LargestOfFilter)


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
        int_quant=BlockwiseIntQuant,
    )
