"""Beats that belong together: which is the first and the last of them, their places, and the codes in each."""

from __future__ import annotations

from amaranth.hdl import C, Module, Mux, Signal, Value

from quantunet_hls.types.fixed import FixedType

__all__ = ["code_of", "count_beats", "position"]


def count_beats(m: Module, fire: Signal, fold: int, first: Signal, last: Signal) -> None:
    """Say of each beat of ``fold`` that belong together whether it is the first or the last."""
    if fold == 1:
        m.d.comb += [first.eq(1), last.eq(1)]
        return
    beat = Signal(range(fold))
    m.d.comb += [first.eq(beat == 0), last.eq(beat == fold - 1)]
    with m.If(fire):
        m.d.sync += beat.eq(Mux(last, 0, beat + 1))


def code_of(bits: Value, type_: FixedType) -> Value:
    """Bits of a beat as a code of a type."""
    return bits.as_signed() if type_.signed else bits


def position(m: Module, name: str, count: int, turn: Value, restart: Value | None = None) -> tuple[Value, Value]:
    """A place among ``count`` that moves on with ``turn``, and when it starts again: after the last or at a restart."""
    if count == 1:
        return C(0, 1), turn
    counter = Signal(range(count), name=name)
    last = counter == count - 1
    with m.If(turn):
        m.d.sync += counter.eq(Mux(last if restart is None else last | restart, 0, counter + 1))
    return counter, turn & last
