"""Products of activations and weights: a multiplier block each, several in a block, or in look-up tables.

All of them return, for each processing element, its products as
:class:`Addend`: a value and perhaps a carry that is still to be added.
:func:`add` takes in one carry for nothing, so a tree of N addends with a carry
each leaves one carry over, which the accumulator takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from amaranth.hdl import C, Cat, Mux, Value

from quantunet_hls.ops.hardware.pipeline import Pipeline

__all__ = ["Addend", "add", "block_products", "join_parts", "lut_parts", "packed_products",
           "signed_value", "tree"]


@dataclass(frozen=True)
class Addend:
    """``value + carry``, where there is a carry; to be subtracted where ``negative``."""

    value: Value
    carry: Value | None = None
    negative: bool = False


def add(a: Value, b: Value, carry: Value | None = None) -> Value:
    """``a + b + carry``, exact, in one carry chain."""
    if carry is None:
        return a + b
    # A place below the lowest one makes the carry; every synthesis tool understands that.
    a, b = signed_value(a), signed_value(b)
    total = Cat(C(1, 1), a).as_signed() + Cat(carry, b).as_signed()
    return total[1: max(len(a), len(b)) + 2].as_signed()


def signed_value(value: Value) -> Value:
    """The same number in a signed shape."""
    return value if value.shape().signed else Cat(value, C(0, 1)).as_signed()


def tree(pipeline: Pipeline, rows: Sequence[Sequence[Addend]]) -> list[Addend]:
    """The sum of each row, through registered levels of two-input adders; all rows are equally long."""
    rows = [list(row) for row in rows]
    while len(rows[0]) > 1:
        rows = [[_level(pipeline, row[at: at + 2]) for at in range(0, len(row), 2)] for row in rows]
        pipeline.advance()
    return [row[0] for row in rows]


def _level(pipeline: Pipeline, pair: Sequence[Addend]) -> Addend:
    first, *rest = pair
    if not rest:
        return Addend(pipeline.register(first.value), _kept(pipeline, first.carry))
    (second,) = rest
    if first.carry is None:
        first, second = second, first
    return Addend(pipeline.register(add(first.value, second.value, first.carry)), _kept(pipeline, second.carry))


def _kept(pipeline: Pipeline, carry: Value | None) -> Value | None:
    return None if carry is None else pipeline.register(carry)


def block_products(pipeline: Pipeline, activations: Sequence[Value], row: Sequence[Value]) -> list[Addend]:
    """One multiplication for each weight of a row; registered, but the stage is the caller's to end."""
    return [Addend(pipeline.register(value * weight)) for value, weight in zip(activations, row, strict=True)]


def packed_products(pipeline: Pipeline, activations: Sequence[Value], rows: Sequence[Sequence[Value]],
                    spacing: int, field: int) -> list[list[Addend]]:
    """Products of a group of rows, stored as :func:`~.packing.packed_codes`, in one multiplication each input.

    Registered, but the stage is the caller's to end.

    Args:
        spacing: bits between two products: ``field``, or one less.
        field: bits of a product.
    """
    results: list[list[Addend]] = [[] for _ in rows]
    for value, *codes in zip(activations, *rows, strict=True):
        word = Cat(*(_extended(code, spacing) for code in codes[:-1]), codes[-1]).as_signed()
        total = pipeline.register(value * word)
        # A product's lowest bit, from its operands' lowest bits; what is stored is one less below a negative code.
        lowest = [pipeline.register(value[0] & (code[0] ^ below[-1]))
                  for below, code in pairwise(codes)] if spacing < field else []
        for row, addend in zip(results, _fields(total, lowest, len(codes), spacing, field), strict=True):
            row.append(addend)
    return results


def _extended(code: Value, width: int) -> Value:
    return Cat(code, code[-1].replicate(width - len(code)))


def _fields(total: Value, lowest: Sequence[Value], count: int, spacing: int, field: int) -> list[Addend]:
    """The products of a packed word's ``total``; ``lowest`` are the lowest bits of all but the first."""
    addends = []
    carry: Value | None = None
    for place in range(count):
        start, end = place * spacing, (place + 1) * spacing
        if place == count - 1:
            value = total[start: start + field]
        elif lowest:
            value = Cat(total[start: end], total[end] ^ lowest[place])
        else:
            value = total[start: end]
        addends.append(Addend(value.as_signed(), carry))
        carry = value[-1]
    return addends


def lut_parts(activations: Sequence[tuple[Value, Value]], row: Sequence[Value]) -> list[list[Addend]]:
    """For each weight of a row its product in parts, for :func:`join_parts`; in look-up tables, without a multiplier.

    A weight is taken two bits at a time: digits of 0 to 3, the top one of -2 to 1.
    A digit's multiple is a choice of 0, a, 2a and 3a, one LUT a bit. A negative
    multiple is the complement with a carry of one. That takes about half the LUTs
    that Yosys takes for ``*``.

    Args:
        activations: each with three times itself, which all rows share.
        row: weights, signed.
    """
    digits = -(-max(len(weight) for weight in row) // 2)
    return [_multiples(value, triple, _signed_to(weight, 2 * digits))
            for (value, triple), weight in zip(activations, row, strict=True)]


def join_parts(pipeline: Pipeline, parts: Sequence[Sequence[Addend]], stage: int = 0) -> list[list[Addend]]:
    """Neighbouring parts of each product added; registered, but the stage is the caller's to end."""
    return [[_joined(pipeline, product[at: at + 2], 2 << stage) for at in range(0, len(product), 2)]
            for product in parts]


def _multiples(value: Value, triple: Value, weight: Value) -> list[Addend]:
    """For each two bits of a weight, lowest first, so many times ``value``."""
    parts = [Addend(Mux(weight[at + 1], Mux(weight[at], triple, value << 1), Mux(weight[at], value, 0)))
             for at in range(0, len(weight) - 2, 2)]
    half, negative = weight[-2], weight[-1]
    size = signed_value(Mux(half, value, Mux(negative, value << 1, 0)))
    return [*parts, Addend((size.as_unsigned() ^ negative.replicate(len(size))).as_signed(), negative)]


def _joined(pipeline: Pipeline, parts: Sequence[Addend], shift: int) -> Addend:
    """Two neighbouring parts of a product, registered; the lowest bits of the lower one need no adder."""
    low, *rest = parts
    if not rest:
        return Addend(pipeline.register(low.value), _kept(pipeline, low.carry))
    (high,) = rest
    lower = low.value
    upper = lower[shift:].as_signed() if lower.shape().signed else lower[shift:]
    total = add(upper, high.value, high.carry)
    product = Cat(lower[:shift], total)
    return Addend(pipeline.register(product.as_signed() if total.shape().signed else product))


def _signed_to(value: Value, width: int) -> Value:
    return _extended(signed_value(value), width).as_signed()
