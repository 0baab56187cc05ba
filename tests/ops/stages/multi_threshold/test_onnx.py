"""Step functions that no multiplication has, through all executors."""

import pytest

from quantunet_hls.ingest import ingest
from tests.builders import Net, op_types
from tests.executors import Executors


def twice_as_coarse(zero: int = 1) -> Net:
    net = Net((1, 2, 4, 6))
    net.quant(net.quant("x", 4, -3), 4, -2)
    net.constant(net.nodes[-1].input[2], zero)
    return net


@pytest.mark.parametrize("zero", [1, 3])
def test_ties_that_a_multiplication_rounds_otherwise_are_thresholds(zero, tmp_path):
    net = twice_as_coarse(zero)
    assert op_types(ingest(net.model()).model)[-1] == "MultiThreshold"
    executors = Executors(net.model(), tmp_path)
    executors.check_file()
    assert executors.check_exactly() > 0
    executors.check_emulator()


@pytest.mark.slow
def test_thresholds_in_c_simulation_and_rtl(tmp_path):
    executors = Executors(twice_as_coarse().model(), tmp_path)
    executors.check_csim()
    executors.check_rtl()
