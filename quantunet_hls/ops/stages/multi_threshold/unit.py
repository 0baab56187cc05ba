"""Thresholds in hardware: a binary search, a comparison behind the other, each with a table of its own a lane."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import C, Cat, Signal, Value, signed, unsigned
from amaranth.lib.memory import Memory

from quantunet_hls.ops.hardware.channels import DIRECT_BITS, turn_of
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import as_type, saturated
from quantunet_hls.ops.hardware.rom import packed_words
from quantunet_hls.ops.lanes import by_lane
from quantunet_hls.ops.stages.multi_threshold.search import Search, search_of
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.ops.unit import StageUnit
from quantunet_hls.targets.memories import in_block_rom
from quantunet_hls.types.fixed import FixedType, Integers, bits_for

__all__ = ["FACET"]


def _registered(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: MultiThreshold) -> list[Value]:
    """For each comparison the threshold beside its value, and whether it is reached: a register behind each."""
    search = search_of(stage, source)
    turn, values = turn_of(pipeline, stage.channels, len(lanes)), list(lanes)
    if search.clipped or len(turn) > DIRECT_BITS:
        values = [pipeline.register(saturated(value, search.kind) if search.clipped else value) for value in values]
        turn = pipeline.register(turn)
        pipeline.advance()
    reached: list[Value] = [C(0, 0)] * len(lanes)
    for depth in range(search.stage.bits):
        limits = _limits(pipeline, search, depth, turn, reached)
        values, reached, turn = _delayed(pipeline, values, reached, turn)
        pipeline.advance()
        bits = [pipeline.register(value >= limit) for value, limit in zip(values, limits, strict=True)]
        values, reached, turn = _delayed(pipeline, values, reached, turn)
        # What has been found first is the highest bit.
        reached = [Cat(bit, found) for bit, found in zip(bits, reached, strict=True)]
        pipeline.advance()
    return _levels(pipeline, search.stage, turn, reached)


def _limits(pipeline: Pipeline, search: Search, depth: int, turn: Value, reached: Sequence[Value]) -> list[Value]:
    """Every lane's threshold, a clock later."""
    table = search.table(depth)
    found: list[Value] = []
    for lane, words in enumerate(by_lane(table.T.tolist(), len(reached))):
        width = bits_for(int(words.min()), int(words.max()))
        if (words == words.flat[0]).all():
            found.append(C(int(words.flat[0]), signed(width)))
            continue
        # A row of the memory is a beat's, so that its number is the upper part of the address.
        found.append(_read(pipeline, f"limit_{pipeline.stages}_{lane}", words.T.reshape(-1, 1), width,
                           Cat(reached[lane], turn if words.shape[1] > 1 else C(0, 0))))
    return found


def _read(pipeline: Pipeline, name: str, words: Integers, width: int, address: Value) -> Value:
    """A word of a memory, a clock later."""
    block = in_block_rom(len(words), width)
    memory = Memory(shape=unsigned(width), depth=len(words), init=packed_words(words, width),
                    attrs={"rom_style": "block"} if block else None)
    pipeline.module.submodules[name] = memory
    port = memory.read_port(domain="sync")
    pipeline.module.d.comb += [port.addr.eq(address), port.en.eq(1)]
    return port.data.as_signed()


def _delayed(pipeline: Pipeline, values: Sequence[Value], reached: Sequence[Value], turn: Value
             ) -> tuple[list[Value], list[Value], Value]:
    return ([pipeline.register(value) for value in values],
            [pipeline.register(found) if len(found) else found for found in reached],
            pipeline.register(turn) if len(turn) else turn)


def _levels(pipeline: Pipeline, stage: MultiThreshold, turn: Value, reached: Sequence[Value]) -> list[Value]:
    """The lowest level and what has been found; where levels fall, its complement."""
    if stage.low == 0 and not any(stage.falls):
        return [as_type(found, stage.type) for found in reached]
    results: list[Value] = []
    for found, (falls,) in zip(reached, by_lane([list(map(int, stage.falls))], len(reached)), strict=True):
        down = Signal(1, name=f"falls_{pipeline.stages}_{len(results)}")
        bits = C(sum(int(flag) << beat for beat, flag in enumerate(falls)), len(falls))
        pipeline.module.d.comb += down.eq(bits.bit_select(turn, 1) if len(falls) > 1 else bits)
        level = (found ^ down.replicate(len(found))) + stage.low
        results.append(pipeline.register(as_type(level, stage.type)))
    pipeline.advance()
    return results


FACET = StageUnit(_registered)
