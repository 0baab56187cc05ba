import shutil
import subprocess

import pytest
from hls4ml.backends import get_backend

from quantunet_hls.hls.mends import rounded_away
from tests.builders import Net
from tests.executors import Executors

#: Halves are at the bit that the value has not: -1/8 lies nearer to 0 than to -1, as 1/8 does.
PROGRAM = """
#include <cstdio>
#include "ap_fixed.h"
int main() {
    ap_ufixed<1, -2> above = 0.125;
    ap_fixed<1, -2> below = -0.125;
    ap_fixed<8, 8, AP_RND_CONV, AP_SAT> one = above, other = below;
    std::printf("%d %d\\n", one.to_int(), other.to_int());
}
"""


def run(folder, header) -> subprocess.CompletedProcess[str]:
    """The program with hls4ml's types, of which one header is another."""
    shutil.copytree(rounded_away.HEADER.parent, folder / "ap_types")
    shutil.copy(header, folder / "ap_types" / header.name)
    (folder / "program.cpp").write_text(PROGRAM)
    command = [shutil.which("g++"), "-std=c++11", "-w", "-Iap_types", "program.cpp", "-o", "program"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run(["./program"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_plain_types_end_the_program(tmp_path):
    """When this fails, the mend is no longer needed."""
    assert "beyond MSB" in run(tmp_path, rounded_away.HEADER).stderr


@pytest.mark.slow
def test_what_is_rounded_away_is_0(tmp_path):
    with rounded_away.applied("Vitis"):
        header = get_backend("Vitis").custom_source["ap_types/ap_fixed_base.h"]
        assert header.read_text() != rounded_away.HEADER.read_text()
        assert run(tmp_path, header).stdout == "0 0\n"
    assert "ap_types/ap_fixed_base.h" not in get_backend("Vitis").custom_source


@pytest.mark.slow
def test_a_network_whose_values_a_coarse_quantizer_makes_0(tmp_path):
    net = Net((1, 1, 4, 6))
    net.conv(net.quant(net.quant(net.relu(net.quant("x", 1, -6)), 3, -6), 4, 0), 2)
    Executors(net.model(), tmp_path).check_csim()
