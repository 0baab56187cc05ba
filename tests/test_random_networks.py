"""Random networks over all operators: what the file says in exact arithmetic, emulator, C-simulation and RTL agree."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ops.qonnx.node_kinds import node_kinds
from quantunet_hls.ops.table import OPERATORS, STAGES
from quantunet_hls.rtl.lower import lower
from tests.executors import Executors
from tests.random_blocks import BLOCKS
from tests.random_forms import BEHIND_SUMS, BEHIND_SUMS_ENDS
from tests.random_layers import RandomNet
from tests.random_networks import ENDS, random_network

SEEDS = range(108)
#: Forty of these are built, and simulated as RTL, too.
IN_RTL = range(42)

#: Seeds of networks in which values meet, or are bent, before a quantizer; and those that are simulated as RTL, too.
FORMS = range(36)
FORMS_IN_RTL = range(0, 36, 4)

#: Those of the fast tests.
QUICK = (0, 3, 6, 7, 10, 14, 24, 30, 38, 43)
QUICK_FORMS = (0, 1, 2, 3, 4, 5)


@cache
def network(seed: int) -> RandomNet:
    return random_network(seed)


@cache
def form(seed: int) -> RandomNet:
    return random_network(seed, BEHIND_SUMS, BEHIND_SUMS_ENDS)


def executors(net: RandomNet, folder) -> Executors:
    """A network in every executor, with what was computed of the file by others."""
    case = Executors(net.model(), folder)
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
    executors(network(seed), tmp_path)


@pytest.mark.parametrize("seed", QUICK_FORMS)
def test_the_file_and_the_emulator_agree_behind_sums(seed, tmp_path):
    executors(form(seed), tmp_path)


@pytest.mark.slow
def test_every_operator_and_every_stage_of_the_package_is_in_some_network(tmp_path):
    found: set[str] = set()
    for seed in SEEDS:
        read = read_network(Executors(network(seed).model(), tmp_path / str(seed)).model)
        # What is a layer of its own to hls4ml may be a stage in the stream graph, and a mean's quotient is one there.
        for layer in (*read.layers, *lower(read, "net").graph.layers):
            found.update((layer.kind, *(stage.kind for stage in getattr(layer, "stages", ()))))
    assert found >= {*OPERATORS, *STAGES}


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_no_value_differs_in_any_executor(seed, tmp_path):
    case = executors(network(seed), tmp_path)
    case.check_csim()
    if seed in IN_RTL:
        case.check_rtl()


@pytest.mark.slow
@pytest.mark.parametrize("seed", FORMS)
def test_no_value_differs_behind_sums(seed, tmp_path):
    case = executors(form(seed), tmp_path)
    case.check_csim()
    if seed in FORMS_IN_RTL:
        case.check_rtl()
