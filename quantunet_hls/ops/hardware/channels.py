"""Which numbers of channels a beat needs: by its place in its pixel."""

from __future__ import annotations

from amaranth.hdl import C, Mux, Signal, Value

from quantunet_hls.ops.hardware.pipeline import Pipeline

__all__ = ["DIRECT_BITS", "turn_of"]

#: Bits of a table's address that may come straight from a counter. Logic of more inputs is found as tables only where
#: its address comes out of registers as they are.
DIRECT_BITS = 4


def turn_of(pipeline: Pipeline, channels: int, lanes: int) -> Value:
    """Which of a pixel's beats it is that has arrived: all numbers of its channels lie at that place."""
    beats = max(channels // lanes, 1)
    if beats == 1:
        return C(0, 0)
    turn = Signal(range(beats), name=f"turn_{pipeline.stages}")
    with pipeline.module.If(pipeline.flags["valid"] & pipeline.flags["last"]):
        pipeline.module.d.sync += turn.eq(Mux(turn == beats - 1, 0, turn + 1))
    return turn
