"""The stream graph folded for a goal: as few resources as the goal allows, or a refusal that names what is possible."""

from __future__ import annotations

import math
from collections.abc import Callable

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.folding import Goal
from quantunet_hls.folding.schedule import last_beats
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.estimate import shares
from quantunet_hls.rtl.fold.parallelism import cycle_choices, fewest_cycles, fold, parallel

__all__ = ["cycles_at_rate", "fold_for", "latency_cycles"]


def latency_cycles(graph: StreamGraph) -> int:
    """Clocks from a frame's first pixel to its last result, when pixels come at the pace of the slowest layer."""
    return int(last_beats(graph.actors)[graph.output.beats - 1])


def fold_for(graph: StreamGraph, goal: Goal, board: Board, arithmetic: Callable[[StreamGraph], StreamGraph]
             ) -> StreamGraph:
    """The slowest folding that meets a rate or a latency, the fastest within a share.

    Args:
        graph: lowered, not folded.
        goal: a frame rate, a latency or a share of the board.
        board: with its clock.
        arithmetic: chooses the multipliers of a folded graph.

    Raises:
        ConfigurationError: the goal can't be met; says what can.
        BoardError: every folding takes more of the board, or its size is not known.
    """
    if goal.frames_per_s is not None:
        return arithmetic(fold(graph, cycles_at_rate(graph, goal, board)))
    if goal.latency_us is not None:
        return arithmetic(fold(graph, _within_latency(graph, goal.latency_us, board)))
    assert goal.share is not None
    return _within_share(graph, goal.share, board, arithmetic)


def _within_latency(graph: StreamGraph, latency_us: float, board: Board) -> int:
    """Clocks a frame of the slowest folding whose latency is no longer; slow ones are tried first."""
    limit = latency_us * 1000 / board.clock_ns
    best = math.inf
    for cycles in reversed(cycle_choices(graph)):
        latency = latency_cycles(parallel(graph, cycles))
        if latency <= limit:
            return cycles
        best = min(best, latency)
    raise ConfigurationError(f"A latency of {latency_us:g} us can't be reached; the fastest folding has "
                             f"{best * board.clock_ns / 1000:.4g} us at {board.clock_ns:g} ns.")


def _within_share(graph: StreamGraph, share: float, board: Board, arithmetic: Callable[[StreamGraph], StreamGraph]
                  ) -> StreamGraph:
    """The fastest folding that takes no more of anything; fast ones are tried first, and one after the other.

    A faster folding may take less, of block RAM above all: of a KV260's the 4-bit network of the zoo takes an
    estimated 97 % at 98,304 clocks a frame, and 52 % at 73,728.
    """
    least, scarce = math.inf, ""
    for cycles in cycle_choices(graph):
        folded = arithmetic(fold(graph, cycles))
        taken = shares(folded, board)
        if not taken:
            raise BoardError(f"How many LUTs, DSP blocks and memory blocks {board.title} has is not known, so a share "
                             "of it can't be taken; ask for a frame rate or a number of multipliers.")
        name = max(taken, key=taken.__getitem__)
        if taken[name] <= share:
            return folded
        if taken[name] < least:
            least, scarce = taken[name], name
    raise BoardError(f"Even the smallest folding takes about {least:.0%} of the {scarce.upper()} of {board.title}, "
                     f"more than the {share:.0%} that it may; choose a smaller network or a larger board.")


def cycles_at_rate(graph: StreamGraph, goal: Goal, board: Board) -> int:
    """Clocks that a frame may take at the goal's frame rate.

    Raises:
        ConfigurationError: no folding is that fast; says what the fastest reaches.
    """
    cycles = goal.cycles(board.clock_ns)
    assert cycles is not None
    least = fewest_cycles(graph)
    if least > cycles:
        raise goal.missed_rate("fastest folding", least, board.clock_ns)
    return cycles

