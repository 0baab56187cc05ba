"""Requantization: exact sums into the next layer's type, in ``ap_fixed``'s rounding and overflow modes.

Every cast takes one register where it only wraps or saturates, and one more
where it rounds with a carry. Overflow is seen from the upper bits alone, which
costs LUTs rather than a second carry chain. What else a stage does stands in
its room (:mod:`quantunet_hls.ops.stages`).
"""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import C, Cat, Mux, Shape, Value, signed, unsigned

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.unit import stage_unit
from quantunet_hls.types.fixed import FixedType

__all__ = ["as_type", "cast_lanes", "extended", "requantize", "rounded", "saturated", "shape_of", "shifted_left",
           "sign_of"]


def shape_of(type_: FixedType) -> Shape:
    """The Amaranth shape of a type's codes."""
    return signed(type_.width) if type_.signed else unsigned(type_.width)


def requantize(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stages: Sequence[Stage]) -> list[Value]:
    """Every lane through the stages, registered behind each; as many registers for all lanes."""
    values = list(lanes)
    for stage in stages:
        values, source = stage_unit(stage).registered(pipeline, values, source, stage), stage.type
    return values


def cast_lanes(pipeline: Pipeline, values: Sequence[Value], fraction: int, target: FixedType,
               zero: Sequence[Value] = ()) -> list[Value]:
    """Every lane cast into a type, registered.

    Args:
        fraction: bits behind the point of what comes in.
        zero: for each lane, if for any, whether zero shall come out.
    """
    drop = fraction - target.fraction
    if drop > 0 and target.rounding != "TRN":
        values = [pipeline.register(rounded(value, drop, target.rounding)) for value in values]
        zero = [pipeline.register(flag) for flag in zero]
        pipeline.advance()
    else:
        values = [rounded(value, drop, "TRN") for value in values]
    results = [saturated(value, target) for value in values]
    if zero:
        results = [Mux(flag, 0, result) for flag, result in zip(zero, results, strict=True)]
    values = [pipeline.register(as_type(result, target)) for result in results]
    pipeline.advance()
    return values


def rounded(value: Value, drop: int, rounding: str) -> Value:
    """``value / 2**drop`` in a rounding mode, wide enough for the carry; combinational."""
    if drop <= 0:
        return shifted_left(value, -drop)
    sign = sign_of(value)
    value = extended(value, drop + 1)
    floor = _upper(value, drop)
    guard = value[drop - 1]
    rest: Value = value[: drop - 1].any() if drop > 1 else C(0, 1)
    up = {
        "TRN": None,
        "TRN_ZERO": sign & (guard | rest),
        "RND": guard,
        "RND_ZERO": guard & (rest | sign),
        "RND_INF": guard & (rest | ~sign),
        "RND_MIN_INF": guard & rest,
        "RND_CONV": guard & (rest | floor[0]),
    }[rounding]
    return floor if up is None else floor + up


def saturated(value: Value, target: FixedType) -> Value:
    """A value of the target's fraction brought into its range; combinational."""
    width, sign, source = target.width, sign_of(value), value.shape()
    magnitude_bits = width - 1 if target.signed else width
    value = extended(value, magnitude_bits + 1)
    low_part = as_type(value[:width], target)
    if target.saturation == "WRAP":
        return low_part
    upper = value[magnitude_bits:]
    above = ~sign & upper.any()
    below = sign & ~upper.all() if target.signed else sign
    if not source.signed:
        below = C(0, 1)
    lowest = -target.high if target.saturation == "SAT_SYM" and target.signed else target.low
    if target.saturation == "SAT_ZERO":
        return Mux(above | below, C(0, shape_of(target)), low_part)
    if target.saturation == "SAT_SYM" and target.signed and source.signed:
        # The lowest code itself is outside a symmetric range.
        below = below | (sign & ~value[:magnitude_bits].any())
    return Mux(above, C(target.high, shape_of(target)), Mux(below, C(lowest, shape_of(target)), low_part))


def sign_of(value: Value) -> Value:
    """Whether it is negative."""
    return value[-1] if value.shape().signed else C(0, 1)


def as_type(value: Value, target: FixedType) -> Value:
    """Its lowest bits as a code of a type."""
    bits = value.as_unsigned() if value.shape().signed else value
    bits = bits[: target.width]
    return bits.as_signed() if target.signed else bits


def shifted_left(value: Value, places: int) -> Value:
    """``value * 2**places``."""
    if places == 0:
        return value
    shifted = Cat(C(0, places), value)
    return shifted.as_signed() if value.shape().signed else shifted


def extended(value: Value, width: int) -> Value:
    """The same number in so many bits at least."""
    missing = width - len(value)
    if missing <= 0:
        return value
    if value.shape().signed:
        return Cat(value, value[-1].replicate(missing)).as_signed()
    return Cat(value, C(0, missing))


def _upper(value: Value, drop: int) -> Value:
    upper = value[drop:]
    return upper.as_signed() if value.shape().signed else upper
