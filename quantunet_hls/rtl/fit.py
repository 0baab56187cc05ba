"""The stream graph folded for a goal: as few resources as the goal allows, or a refusal that names what is possible."""

from __future__ import annotations

from collections.abc import Callable

from quantunet_hls.boards import Board
from quantunet_hls.errors import BoardError, ConfigurationError
from quantunet_hls.folding import Goal
from quantunet_hls.folding.schedule import schedule
from quantunet_hls.rtl.actors import actors
from quantunet_hls.rtl.estimate import shares
from quantunet_hls.rtl.folding import cycle_choices, fewest_cycles, fold, parallel
from quantunet_hls.rtl.graph import StreamGraph

__all__ = ["cycles_at_rate", "fold_for", "latency_cycles"]


def latency_cycles(graph: StreamGraph) -> int:
    """Clocks from a frame's first pixel to its last result, when pixels come at the pace of the slowest layer."""
    (*_, last) = made = actors(graph)
    beats = int(last.writes.sum())
    return int(schedule(made)[last.name][beats - 1])


def fold_for(graph: StreamGraph, goal: Goal, board: Board, arithmetic: Callable[[StreamGraph], StreamGraph]
             ) -> StreamGraph:
    """The slowest folding that meets a goal, and so the one with the fewest resources.

    Args:
        graph: lowered, not folded.
        goal: a frame rate, a latency or a share of the board.
        board: with its clock.
        arithmetic: chooses the multipliers of a folded graph.

    Raises:
        ConfigurationError: the goal can't be met; says what can.
        BoardError: the board can't hold the slowest design that there is, or its size is not known.
    """
    if goal.frames_per_s is not None:
        return arithmetic(fold(graph, cycles_at_rate(graph, goal, board)))
    choices = cycle_choices(graph)
    if goal.latency_us is not None:
        limit = goal.latency_us * 1000 / board.clock_ns
        folded = _last(choices, lambda cycles: latency_cycles(parallel(graph, cycles)) <= limit)
        if folded is None:
            best = latency_cycles(parallel(graph, choices[0])) * board.clock_ns / 1000
            raise ConfigurationError(f"A latency of {goal.latency_us:g} us can't be reached; the fastest folding has "
                                     f"{best:.4g} us at {board.clock_ns:g} ns.")
        return arithmetic(fold(graph, folded))
    assert goal.share is not None
    share = goal.share

    def largest(cycles: int) -> float:
        return max(shares(arithmetic(fold(graph, cycles)), board).values())

    # The fewer cycles the more resources: the first that fits is the fastest.
    fitting = _first(choices, lambda cycles: largest(cycles) <= share)
    if fitting is None:
        raise BoardError(f"Even the slowest folding takes about {largest(choices[-1]):.0%} of {board.title}, more than "
                         f"the {share:.0%} that it may; choose a smaller network or a larger board.")
    return arithmetic(fold(graph, fitting))


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


def _first(choices: list[int], holds: Callable[[int], bool]) -> int | None:
    """The smallest choice from which on it holds, by halving."""
    low, high = 0, len(choices)
    while low < high:
        middle = (low + high) // 2
        if holds(choices[middle]):
            high = middle
        else:
            low = middle + 1
    return choices[low] if low < len(choices) else None


def _last(choices: list[int], holds: Callable[[int], bool]) -> int | None:
    """The largest choice up to which it holds, by halving."""
    above = _first(choices, lambda choice: not holds(choice))
    at = len(choices) if above is None else choices.index(above)
    return choices[at - 1] if at else None
