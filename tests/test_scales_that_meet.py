"""Accumulators of different scales in sums, zeros among sums, and networks without any such scale."""

import numpy as np
import pytest

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import export_module, ingest
from tests.brevitas_nets import default_residual
from tests.executors import Executors
from tests.random_layers import RandomNet

#: An accumulator meets a skip of 8 bits, or another accumulator, at 8 bits by thresholds.
MEETING = pytest.mark.parametrize(("shortcut", "bits"), [(False, 8), (True, 4), (True, 8)],
                                  ids=["skip", "shortcut", "shortcut of 8 bits"])


@MEETING
def test_accumulators_meet_in_a_sum(shortcut, bits, tmp_path):
    """Brevitas's default quantizers."""
    executors = Executors(export_module(default_residual(shortcut=shortcut, bits=bits), (1, 6, 8)), tmp_path)
    assert executors.check_exactly()
    executors.check_emulator()


def test_what_a_sum_of_wide_accumulators_is_refused_with_helps(tmp_path):
    with pytest.raises(IllegalGraphError, match="put a quantizer in front of each branch of the sum"):
        ingest(export_module(default_residual(shortcut=True, bits=10), (1, 6, 8)))
    for levels in ("own", "shared"):
        net = default_residual(shortcut=True, bits=10, levels=levels)
        executors = Executors(export_module(net, (1, 6, 8)), tmp_path / levels)
        assert executors.check_exactly()


@pytest.mark.slow
@MEETING
def test_accumulators_meet_in_simulation(shortcut, bits, tmp_path):
    executors = Executors(export_module(default_residual(shortcut=shortcut, bits=bits), (1, 6, 8)), tmp_path)
    executors.check_csim()
    executors.check_rtl()


def test_a_network_of_powers_of_two_stays_as_it_is():
    from tests.builders import small_unet

    graph = ingest(small_unet().model())
    assert not graph.scales.whole
    assert np.array_equal(graph.scales.to_port(np.ones((1, 4, 6, 2))), np.ones((1, 4, 6, 2)))


def padded_net() -> RandomNet:
    """Zeros around sums whose 0 stands for the bias of their normalization."""
    net = RandomNet((1, 2, 4, 6), seed=3)
    sums = net.normalized(net.sums(net.levels("x", 5), 3))
    pads = net.constant("pads", [0, 0, 1, 0, 0, 0, 1, 2], np.int64)
    padded = net.add("Pad", [sums, pads], (1, 3, 6, 8))
    net.sums(net.levels(padded, zero=0), 2, 1)
    return net


def test_zeros_among_sums_are_the_files_zeros(tmp_path):
    executors = Executors(padded_net().model(), tmp_path)
    assert executors.check_exactly()
    executors.check_emulator()
