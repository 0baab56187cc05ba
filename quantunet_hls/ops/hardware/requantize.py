"""Requantization: exact sums into the next layer's type, in ``ap_fixed``'s rounding and overflow modes.

Every cast takes one register where it only wraps or saturates, and one more
where it rounds with a carry. Overflow is seen from the upper bits alone, which
costs LUTs rather than a second carry chain. Tables are ROMs, one a lane. A
division by a constant is a multiplication by a reciprocal that is exact for
every value that can come (:func:`reciprocal`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import C, Cat, Mux, Shape, Value, signed, unsigned

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.rom import rom
from quantunet_hls.ops.stages import SIGMOID_REACH
from quantunet_hls.ops.streaming import LeakyRelu, Quotient, Relu, Sigmoid, Step, Threshold
from quantunet_hls.types.fixed import FixedType

__all__ = ["reciprocal", "requantize", "rounded", "saturated", "shape_of"]


def shape_of(type_: FixedType) -> Shape:
    """The Amaranth shape of a type's codes."""
    return signed(type_.width) if type_.signed else unsigned(type_.width)


def requantize(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, steps: Sequence[Step]) -> list[Value]:
    """Every lane through the steps, registered behind each; as many stages for all lanes."""
    values = list(lanes)
    for step in steps:
        if isinstance(step, Quotient | Sigmoid | Threshold):
            special = {Quotient: _divided, Sigmoid: _looked_up, Threshold: _compared}[type(step)]
            values = special(pipeline, values, source, step)  # type: ignore[operator]
            source = step.type
            continue
        fraction = source.fraction
        negative: list[Value] | None = None
        if isinstance(step, LeakyRelu):
            values, fraction = _leaky(pipeline, values, source, step)
        elif isinstance(step, Relu):
            negative = [_sign(value) for value in values]
        drop = fraction - step.type.fraction
        if drop > 0 and step.type.rounding != "TRN":
            values = [pipeline.register(rounded(value, drop, step.type.rounding)) for value in values]
            negative = [pipeline.register(flag) for flag in negative] if negative else None
            pipeline.advance()
        else:
            values = [rounded(value, drop, "TRN") for value in values]
        results = [saturated(value, step.type) for value in values]
        if negative:
            results = [Mux(flag, 0, result) for flag, result in zip(negative, results, strict=True)]
        values = [pipeline.register(_as(result, step.type)) for result in results]
        pipeline.advance()
        source = step.type
    return values


def _leaky(pipeline: Pipeline, values: list[Value], source: FixedType, step: LeakyRelu) -> tuple[list[Value], int]:
    """``slope * x`` for x < 0 and x itself aligned to the same, wider fraction elsewhere."""
    if not source.signed:
        return values, source.fraction
    fraction = source.fraction + max(step.slope_fraction, 0)
    products = [pipeline.register(value * step.slope) for value in values]
    passed = [pipeline.register(value) for value in values]
    pipeline.advance()
    shift_product = fraction - (source.fraction + step.slope_fraction)
    return [Mux(_sign(x), _left(product, shift_product), _left(x, fraction - source.fraction))
            for x, product in zip(passed, products, strict=True)], fraction


def reciprocal(divisor: int, gain: int, largest: int) -> tuple[int, int]:
    """The least (shift, factor) with ``x * factor >> shift == x * 2**gain // divisor`` for x from 0 to ``largest``.

    With ``error = factor * divisor - 2**(shift + gain)`` the product is too large by ``x * error / divisor`` steps
    of ``2**-shift``; a quotient's own fraction leaves room for ``1 / divisor``, so ``largest * error < 2**shift``
    is enough (Granlund and Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994).
    """
    shift = 0
    while True:
        factor = -(-(1 << (shift + gain)) // divisor)
        if largest * (factor * divisor - (1 << (shift + gain))) < 1 << shift:
            return shift, factor
        shift += 1


def _divided(pipeline: Pipeline, values: list[Value], source: FixedType, step: Quotient) -> list[Value]:
    """``x * 2**gain / divisor``, cut towards zero: by the magnitude, with the sign put back behind."""
    shift, factor = reciprocal(step.divisor, step.type.fraction - source.fraction, max(source.high, -source.low))
    signs = [pipeline.register(_sign(value)) for value in values]
    values = [pipeline.register(Mux(_sign(value), -value, value).as_unsigned()[: source.width]) for value in values]
    pipeline.advance()
    # Multipliers between two registers, as in the matrix-vector unit.
    signs = [pipeline.register(sign) for sign in signs]
    values = [pipeline.register(value * factor) for value in values]
    pipeline.advance()
    values = [pipeline.register(_as(_extended(Mux(sign, -value[shift:], value[shift:]), step.type.width), step.type))
              for sign, value in zip(signs, values, strict=True)]
    pipeline.advance()
    return values


def _looked_up(pipeline: Pipeline, values: list[Value], source: FixedType, step: Sigmoid) -> list[Value]:
    """The table's entries: ``sigmoid_index`` of :mod:`quantunet_hls.ops.stages` as hardware."""
    size = len(step.table)
    gain = size // (2 * SIGMOID_REACH)
    places = (gain & -gain).bit_length() - 1
    results: list[Value] = []
    for lane, value in enumerate(values):
        index = rounded(value * (gain >> places), source.fraction - places, "TRN_ZERO")
        words = np.array(step.table)[:, None]
        data, at = rom(pipeline.module, f"sigmoid_{pipeline.stages}_{lane}", words, step.type.width)
        pipeline.module.d.sync += at.eq(
            Mux(index < -(size // 2), 0, Mux(index >= size // 2, size - 1, index + size // 2)))
        results.append(_as(data, step.type))
    pipeline.advance()
    pipeline.advance()
    return results


def _compared(pipeline: Pipeline, values: list[Value], source: FixedType, step: Threshold) -> list[Value]:
    """Whether each exceeds the limit; only whole codes can come, so the limit may be rounded down to one."""
    places = source.fraction - step.fraction
    limit = step.limit << places if places >= 0 else step.limit >> -places
    values = [pipeline.register(value > limit) for value in values]
    pipeline.advance()
    return values


def rounded(value: Value, drop: int, rounding: str) -> Value:
    """``value / 2**drop`` in a rounding mode, wide enough for the carry; combinational."""
    if drop <= 0:
        return _left(value, -drop)
    sign = _sign(value)
    value = _extended(value, drop + 1)
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
    width, sign, source = target.width, _sign(value), value.shape()
    magnitude_bits = width - 1 if target.signed else width
    value = _extended(value, magnitude_bits + 1)
    low_part = _as(value[:width], target)
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


def _sign(value: Value) -> Value:
    return value[-1] if value.shape().signed else C(0, 1)


def _as(value: Value, target: FixedType) -> Value:
    bits = value.as_unsigned() if value.shape().signed else value
    bits = bits[: target.width]
    return bits.as_signed() if target.signed else bits


def _left(value: Value, places: int) -> Value:
    if places == 0:
        return value
    shifted = Cat(C(0, places), value)
    return shifted.as_signed() if value.shape().signed else shifted


def _extended(value: Value, width: int) -> Value:
    missing = width - len(value)
    if missing <= 0:
        return value
    if value.shape().signed:
        return Cat(value, value[-1].replicate(missing)).as_signed()
    return Cat(value, C(0, missing))


def _upper(value: Value, drop: int) -> Value:
    upper = value[drop:]
    return upper.as_signed() if value.shape().signed else upper
