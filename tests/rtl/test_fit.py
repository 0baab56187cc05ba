"""Folding for a goal, on a graph of every layer kind: met, and not met with less."""

from dataclasses import replace

import pytest

from quantunet_hls import boards
from quantunet_hls.errors import BoardError, ConfigurationError
from quantunet_hls.folding import Goal
from quantunet_hls.rtl.estimate import estimate, shares
from quantunet_hls.rtl.fit import fold_for, latency_cycles
from quantunet_hls.rtl.folding import cycle_choices, fewest_cycles, fold
from quantunet_hls.rtl.multipliers import choose_multipliers
from tests.rtl.graphs import every_kind

BOARD = boards.load("zcu104")


def fitted(goal, board=BOARD):
    return fold_for(every_kind(), goal, board, lambda graph: choose_multipliers(graph, board))


def rate(cycles):
    return 1e9 / (cycles * BOARD.clock_ns)


def multipliers(graph):
    return sum(layer.mac_units for layer in graph.layers)


def test_the_rate_is_met_with_the_fewest_multipliers():
    choices = cycle_choices(every_kind())
    # A rate between two choices is met by the faster of them.
    goal = Goal(frames_per_s=(rate(choices[2]) + rate(choices[3])) / 2)
    graph = fitted(goal)
    assert rate(graph.cycles) >= goal.frames_per_s
    assert graph.cycles == choices[2]
    assert multipliers(graph) < multipliers(fold(every_kind(), choices[1]))


def test_a_concat_never_waits_for_beats_that_are_narrower_than_its_own():
    for cycles in cycle_choices(every_kind()):
        graph = fold(every_kind(), cycles)
        assert all(graph[name].lanes >= graph["both"].lanes for name in graph["both"].sources)
        assert graph.cycles <= cycles


def test_a_rate_that_no_folding_has_is_refused_with_the_fastest():
    fastest = fewest_cycles(every_kind())
    with pytest.raises(ConfigurationError, match=f"{fastest} cycles a frame"):
        fitted(Goal(frames_per_s=1.01 * rate(fastest)))
    assert fitted(Goal(frames_per_s=0.999 * rate(fastest))).cycles == fastest


def test_a_latency_is_met_and_the_next_slower_folding_misses_it():
    choices = cycle_choices(every_kind())
    wanted = latency_cycles(fold(every_kind(), choices[4]))
    graph = fitted(Goal(latency_us=wanted * BOARD.clock_ns / 1000))
    assert latency_cycles(graph) <= wanted
    assert graph.cycles == choices[4]


def test_a_latency_that_no_folding_has_is_refused_with_the_best():
    with pytest.raises(ConfigurationError, match="us at 5 ns"):
        fitted(Goal(latency_us=0.01))


def test_a_share_gets_the_fastest_design_that_keeps_within_it():
    small = replace(BOARD, resources=replace(BOARD.resources, lut=6_000, dsp=40, bram_18k=40))
    graph = fitted(Goal(share=0.6), small)
    assert max(shares(graph, small).values()) <= 0.6
    faster = [cycles for cycles in cycle_choices(every_kind()) if cycles < graph.cycles]
    assert faster
    assert max(shares(choose_multipliers(fold(every_kind(), faster[-1]), small), small).values()) > 0.6


def test_a_board_that_can_t_hold_the_slowest_design_is_refused():
    tiny = replace(BOARD, resources=replace(BOARD.resources, lut=300, dsp=1, bram_18k=1))
    with pytest.raises(BoardError, match="slowest folding"):
        fitted(Goal(share=0.9), tiny)


def test_a_faster_folding_takes_more():
    slow, fast = (estimate(choose_multipliers(fold(every_kind(), cycles), BOARD))
                  for cycles in (cycle_choices(every_kind())[-1], fewest_cycles(every_kind())))
    assert fast.lut > slow.lut
    assert fast.dsp >= slow.dsp
