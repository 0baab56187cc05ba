"""Numbers of each channel, beat by beat: a table for every lane, by the place of the beat in its pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import C, Mux, Signal, Value

from quantunet_hls.ops.hardware.beats import position
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.types.fixed import Integers

__all__ = ["DIRECT_BITS", "by_lane", "turn_of"]

#: Bits of a table's address that may come straight from a counter. Logic of more inputs is found as tables only where
#: its address comes out of registers as they are.
DIRECT_BITS = 4


def turn_of(pipeline: Pipeline, channels: int, lanes: int, name: str | None = None) -> Value:
    """Which of a pixel's beats it is that has arrived: all numbers of its channels lie at that place."""
    m, beats = pipeline.module, max(channels // lanes, 1)
    if beats == 1:
        return C(0, 0)
    name = name or f"turn_{pipeline.stages}"
    turn, moves = Signal(range(beats), name=name), pipeline.flags["valid"] & pipeline.flags["last"]
    if pipeline.in_row > 1:
        _, moves = position(m, f"{name}_in_row", pipeline.in_row, moves)
    with m.If(moves):
        m.d.sync += turn.eq(Mux(turn == beats - 1, 0, turn + 1))
    return turn


def by_lane(lines: Sequence[Sequence[int]], lanes: int) -> list[Integers]:
    """For every lane the numbers (lines, beats of a pixel) that it needs of those of lines (lines, channels or 1)."""
    numbers = np.array(lines)
    if numbers.shape[1] == 1:
        return [numbers] * lanes
    return list(np.moveaxis(numbers.reshape(len(lines), -1, lanes), 2, 0))
