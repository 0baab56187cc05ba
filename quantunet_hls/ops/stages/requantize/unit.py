"""Requantization in hardware: a multiplier a lane, its numbers in a table by the channel that comes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import C, Cat, Mux, Value, signed, unsigned
from amaranth.lib.memory import Memory

from quantunet_hls.ops.hardware.channels import DIRECT_BITS, turn_of
from quantunet_hls.ops.hardware.loader import loaded_table
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import as_type, rounded, saturated, shape_of
from quantunet_hls.ops.hardware.rom import packed_words
from quantunet_hls.ops.lanes import by_lane
from quantunet_hls.ops.stages.requantize.product import PART, Product, offset_zeros, product_of
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.unit import StageUnit
from quantunet_hls.types.fixed import FixedType, bits_for

__all__ = ["FACET"]


def _registered(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: Requantize) -> list[Value]:
    """The value beside its factor and offset, the product, the sum, the level: a register behind each.

    Where there are two lines, a register in front of them says on which one the value is. A product in two parts takes
    a register more, for both are added one after the other.
    """
    stage = stage.reading(source.fraction)
    product = product_of(stage, source)
    kind = FixedType(product.value_bits, source.fraction, True, saturation="SAT") if product.clipped else source
    zeros, bits = offset_zeros(stage, product), bits_for(*stage.sums(kind.low, kind.high))
    turn, values, second = turn_of(pipeline, stage.channels, len(lanes)), list(lanes), [C(0, 0)] * len(lanes)
    if stage.splits:
        splits = _numbers(pipeline, stage, "split", [stage.splits], turn, second)
        second = [pipeline.register(value >= split) for value, split in zip(values, splits, strict=True)]
        values, turn = [pipeline.register(value) for value in values], pipeline.register(turn)
        pipeline.advance()
    elif len(turn) > DIRECT_BITS:
        values, turn = [pipeline.register(value) for value in values], pipeline.register(turn)
        pipeline.advance()
    offsets = [[offset >> zeros for offset in line] for line in stage.offsets]
    addends, factors = (
        [pipeline.register(number) for number in _numbers(pipeline, stage, role, lines, turn, second)]
        for role, lines in (("offset", offsets), ("factor", stage.factors)))
    values = [pipeline.register(saturated(value, kind) if product.clipped else value) for value in values]
    pipeline.advance()
    parts = [[pipeline.register(_low(part, bits)) for part in _parts(value, factor, product)]
             for value, factor in zip(values, factors, strict=True)]
    addends = [pipeline.register(addend) for addend in addends]
    pipeline.advance()
    # Below the last bit of any offset nothing is carried, and all that is dropped in the end.
    sums = [pipeline.register(_low(_above(part[0], zeros) + addend, bits - zeros))
            for part, addend in zip(parts, addends, strict=True)]
    if product.cut is not None:
        uppers = [pipeline.register(part[1]) for part in parts]
        pipeline.advance()
        sums = [pipeline.register(_low(_joined(total, upper, PART - zeros), bits - zeros))
                for total, upper in zip(sums, uppers, strict=True)]
    pipeline.advance()
    rounds = [rounded(value, stage.shift - zeros, "RND_CONV" if stage.half_even else "TRN") for value in sums]
    if stage.half_even:
        rounds = [pipeline.register(value) for value in rounds]
        pipeline.advance()
    levels = [pipeline.register(_clipped(value, stage)) for value in rounds]
    pipeline.advance()
    return levels


def _above(value: Value, zeros: int) -> Value:
    """A number without its last bits; of one that has no others the sign, which is what is left of it."""
    return value[min(zeros, len(value) - 1):].as_signed()


def _numbers(pipeline: Pipeline, stage: Requantize, role: str, lines: Sequence[Sequence[int]], turn: Value,
             second: Sequence[Value]) -> list[Value]:
    """Every lane's number for this beat: a constant, or a word of a table of its own, or one of what is loaded."""
    if stage.loaded:
        word = loaded_table(pipeline.module, role, pipeline.writes[role], turn)
        bits = len(word) // (len(lines) * len(second))
        codes = [word[at: at + bits].as_signed() for at in range(0, len(word), bits)]
        firsts, seconds = codes[: len(second)], codes[len(second):]
        return [Mux(is_second, *pair).as_signed() for is_second, *pair in zip(second, seconds, firsts, strict=True)
                ] if seconds else firsts
    found: list[Value] = []
    for lane, numbers in enumerate(by_lane(lines, len(second))):
        width = bits_for(int(numbers.min()), int(numbers.max()))
        if (numbers == numbers.flat[0]).all():
            found.append(C(int(numbers.flat[0]), signed(width)))
            continue
        # The second line's words begin at a power of two, so that its bit is the highest of the address.
        words = np.zeros((len(numbers), 1 << len(turn)), np.int64)
        words[:, : numbers.shape[1]] = numbers
        memory = Memory(shape=unsigned(width), depth=words.size, init=packed_words(words.reshape(-1, 1), width))
        pipeline.module.submodules[f"{role}_{pipeline.stages}_{lane}"] = memory
        port = memory.read_port(domain="comb")
        pipeline.module.d.comb += port.addr.eq(Cat(turn, second[lane]) if len(numbers) > 1 else turn)
        found.append(port.data.as_signed())
    return found


def _parts(value: Value, factor: Value, product: Product) -> list[Value]:
    """The product; or, where an operand is cut, that with its lower part and that with its upper one."""
    if product.cut is None:
        return [value * factor]
    whole, cut = (factor, value) if product.cut == "value" else (value, factor)
    return [whole * Cat(cut[:PART], C(0, 1)).as_signed(), whole * cut[PART:].as_signed()]


def _joined(total: Value, upper: Value, place: int) -> Value:
    """A sum, and what is to be added to it from a bit on."""
    return Cat(total[:place], total[place:].as_signed() + upper).as_signed()


def _low(value: Value, width: int) -> Value:
    """Its lowest bits, which hold it."""
    return value[:width].as_signed()


def _clipped(value: Value, stage: Requantize) -> Value:
    """A level brought into the range of levels; by its upper bits alone where that is a type's."""
    kind = stage.type
    for modes in ("SAT", "SAT_SYM"):
        whole = FixedType(kind.width, 0, kind.signed, saturation=modes)
        if (whole.lowest, whole.high) == (stage.low, stage.high):
            return saturated(value, whole)
    low, high = (C(level, shape_of(kind)) for level in (stage.low, stage.high))
    return Mux(value < stage.low, low, Mux(value > stage.high, high, as_type(value, kind)))


FACET = StageUnit(_registered)
