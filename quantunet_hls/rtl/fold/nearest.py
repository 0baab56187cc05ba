"""What comes nearest to a design that a board can't hold: a slower folding, or weights of fewer bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import floor, log10

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.rtl.fold.capacity import held, needs
from quantunet_hls.rtl.fold.parallelism import cycle_choices, parallel

__all__ = ["as_fast", "holds_chosen", "slower", "weight_bits_held", "with_weight_bits"]

#: Fewest bits of a weight that anybody is sent to: a sign and one value.
_FEWEST_BITS = 2
#: Foldings that are folded whole, their own FIFOs scheduled, before the search ends.
_TRIES = 3


def as_fast(graph: StreamGraph, folded: StreamGraph, cycles: int | None = None) -> StreamGraph:
    """A lowered graph at the pace of a folded one, or another, without places of weights and multipliers.

    It has the FIFOs of the folded one: its own would have to be scheduled.
    """
    return replace(parallel(graph, cycles or folded.cycles), fifo_depths=folded.fifo_depths)


def slower(graph: StreamGraph, folded: StreamGraph, board: Board, choose: Callable[[StreamGraph], StreamGraph],
           fold_at: Callable[[float], StreamGraph | None]) -> float | None:
    """The highest frame rate, about, whose folding a board holds; None where none was found.

    Args:
        graph: lowered.
        folded: the same in a folding that the board does not hold.
        board: with its clock.
        choose: places weights and chooses multipliers.
        fold_at: the folding at a frame rate, None where there is none.
    """
    tried = 0
    # One after the other: a slower folding may take more, of memory blocks above all, whose words become narrow.
    for cycles in cycle_choices(graph):
        if cycles <= folded.cycles or not holds_chosen(as_fast(graph, folded, cycles), board, choose):
            continue
        rate = _rounded_down(1e9 / (cycles * board.clock_ns))
        made = fold_at(rate)
        if made is not None and held(needs(made, board)):
            return rate
        tried += 1
        if tried == _TRIES:
            break
    return None


def _rounded_down(rate: float) -> float:
    """Three digits."""
    unit = 10.0 ** (floor(log10(rate)) - 2)
    return float(f"{floor(rate / unit) * unit:.3g}")


def holds_chosen(plain: StreamGraph, board: Board, choose: Callable[[StreamGraph], StreamGraph]) -> bool:
    """Whether the board holds a folding with what is chosen for it; it doesn't where nothing can be chosen."""
    try:
        return held(needs(choose(plain), board))
    except QuantUNetError:
        return False


def weight_bits_held(plain: StreamGraph, board: Board, choose: Callable[[StreamGraph], StreamGraph]) -> int | None:
    """Most bits of a weight with which the board holds a folding; None where it holds it with none.

    Args:
        plain: without places of weights and multipliers.
        choose: places and chooses them.
    """
    for bits in range(max(layer.weight_bits for layer in weighted(plain)) - 1, _FEWEST_BITS - 1, -1):
        if holds_chosen(with_weight_bits(plain, bits), board, choose):
            return bits
    return None


def with_weight_bits(graph: StreamGraph, bits: int) -> StreamGraph:
    """The graph with all weights cut to so many bits, as an estimate sees a network that was trained with them."""
    return graph.with_layers({layer.name: replace(layer, weights=layer.weights >> max(layer.weight_bits - bits, 0))
                              for layer in weighted(graph)})
