"""Random networks over all operators: what the file says in exact arithmetic, emulator, C-simulation and RTL agree."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ops.qonnx.node_kinds import node_kinds
from quantunet_hls.ops.table import OPERATORS, STAGES
from quantunet_hls.rtl.lower import lower
from tests.executors import Executors
from tests.random_blocks import BLOCKS
from tests.random_layers import RandomNet
from tests.random_networks import ENDS, random_network

SEEDS = range(108)
#: Forty of these are built, and simulated as RTL, too.
IN_RTL = range(42)

#: Seeds whose networks break a rule, and the rule: each is told in the documentation, with its remedy.
REFUSED = {
    **dict.fromkeys((1, 21, 45, 63, 93, 106), "it reads values behind an activation without a quantizer"),
    **dict.fromkeys((50, 74), "no whole numbers of up to 53 bits weigh both branches"),
}

#: Those of the fast tests.
QUICK = (0, 3, 6, 7, 10, 14, 24, 30, 38, 43)


@cache
def network(seed: int) -> RandomNet:
    return random_network(seed)


def executors(seed: int, folder) -> Executors:
    """A network in every executor, with what was computed of the file by others."""
    case = Executors(network(seed).model(), folder)
    assert case.check_exactly()
    if case.given.graph.node[-1].op_type != "Sigmoid":
        # The table of a sigmoid at the end is no sigmoid.
        case.check_file()
    case.check_emulator()
    return case


def test_every_operator_of_a_file_is_in_some_network():
    """One that the package takes from now on has to be added to the generator."""
    found = {node.op_type for seed in SEEDS for node in network(seed).nodes}
    assert {kind.op_type for kind in node_kinds().values() if kind.admitted} <= found


def test_every_block_and_every_end_takes_its_turn():
    assert len(SEEDS) >= len(BLOCKS) * 4
    ends = Counter(network(seed).nodes[-1].op_type for seed in SEEDS)
    assert {"Conv", "BatchNormalization", "ArgMax", "Greater", "Sigmoid"} <= set(ends)
    assert max(ends.values()) < len(SEEDS) / len(ENDS) * 3


def test_a_seed_is_a_network():
    assert random_network(5).proto() == network(5).proto() != network(6).proto()


@pytest.mark.parametrize("seed", QUICK)
def test_the_file_and_the_emulator_agree(seed, tmp_path):
    executors(seed, tmp_path)


@pytest.mark.slow
def test_every_operator_and_every_stage_of_the_package_is_in_some_network(tmp_path):
    found: set[str] = set()
    for seed in (each for each in SEEDS if each not in REFUSED):
        read = read_network(Executors(network(seed).model(), tmp_path / str(seed)).model)
        # What is a layer of its own to hls4ml may be a stage in the stream graph, and a mean's quotient is one there.
        for layer in (*read.layers, *lower(read, "net").graph.layers):
            found.update((layer.kind, *(stage.kind for stage in getattr(layer, "stages", ()))))
    assert found >= {*OPERATORS, *STAGES}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [seed for seed in SEEDS if seed not in REFUSED])
def test_no_value_differs_in_any_executor(seed, tmp_path):
    case = executors(seed, tmp_path)
    case.check_csim()
    if seed in IN_RTL:
        case.check_rtl()


@pytest.mark.parametrize("seed", REFUSED)
def test_what_is_refused_says_why(seed):
    with pytest.raises(IllegalGraphError, match=REFUSED[seed]):
        ingest(network(seed).model())


def test_few_are_refused():
    assert len(REFUSED) <= len(SEEDS) / 10
