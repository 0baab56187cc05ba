"""Which numbers of channels a beat needs: by its place in its pixel."""

from __future__ import annotations

from amaranth.hdl import C, Mux, Signal, Value

from quantunet_hls.ops.hardware.beats import position
from quantunet_hls.ops.hardware.pipeline import Pipeline

__all__ = ["DIRECT_BITS", "turn_of"]

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
