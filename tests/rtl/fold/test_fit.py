"""Folding for a goal, on a graph of every layer kind: met, and not met with less."""

from dataclasses import replace

import pytest

from quantunet_hls import boards
from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.folding import Goal
from quantunet_hls.hls.convert import HlsSettings, convert
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ingest.source import open_source
from quantunet_hls.rtl.fold.estimate import estimate, shares
from quantunet_hls.rtl.fold.fit import fold_for, latency_cycles
from quantunet_hls.rtl.fold.multipliers import choose_multipliers
from quantunet_hls.rtl.fold.parallelism import cycle_choices, fewest_cycles, fold
from quantunet_hls.rtl.lower import lower
from quantunet_hls.tuning.precision import chosen_types
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
    for cycles in faster:
        assert max(shares(choose_multipliers(fold(every_kind(), cycles), small), small).values()) > 0.6


def test_a_share_gets_a_design_that_is_faster_than_some_that_take_more():
    def chosen(graph):
        return choose_multipliers(graph, BOARD)

    board, choices = replace(BOARD, resources=replace(BOARD.resources, lut=6_160)), cycle_choices(every_kind())
    taken = [max(shares(chosen(fold(every_kind(), cycles)), board).values()) for cycles in choices]
    first, *others = [index for index, share in enumerate(taken) if share <= 0.5]
    # The next slower ones do not fit.
    assert first > 0
    assert others[0] > first + 1
    assert fold_for(every_kind(), Goal(share=0.5), board, chosen).cycles == choices[first]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "share", "rate_of", "most"), [
    ("kv260", 0.6, 1356, 0.58), ("pynq-z2", 0.8, 678, 0.72)])
def test_the_network_of_the_zoo_gets_all_that_fits(name, share, rate_of, most, tmp_path):
    board = boards.load(name)
    network = ingest(open_source("brain_tumor_w4a6_b8d3", None).graph(), "logits")
    settings = HlsSettings("zoo", board.part, board.clock_ns, "Vitis", {})
    model = convert(network.model, chosen_types(network, None), settings, tmp_path)
    graph = lower(read_network(model), "zoo").graph
    folded = fold_for(graph, Goal(share=share), board, lambda made: choose_multipliers(made, board))
    assert round(1e9 / (folded.cycles * board.clock_ns)) == rate_of
    assert round(max(shares(folded, board).values()), 2) == most


def test_a_share_of_a_part_of_unknown_size_is_refused():
    with pytest.raises(BoardError, match="is not known"):
        fitted(Goal(share=0.5), boards.for_part("xc7z999-x"))


def test_a_board_that_can_t_hold_the_slowest_design_is_refused():
    tiny = replace(BOARD, resources=replace(BOARD.resources, lut=300, dsp=1, bram_18k=1))
    with pytest.raises(BoardError, match="smallest folding"):
        fitted(Goal(share=0.9), tiny)


def test_a_faster_folding_takes_more():
    slow, fast = (estimate(choose_multipliers(fold(every_kind(), cycles), BOARD), BOARD.part_family)
                  for cycles in (cycle_choices(every_kind())[-1], fewest_cycles(every_kind())))
    assert fast.lut > slow.lut
    assert fast.dsp >= slow.dsp
