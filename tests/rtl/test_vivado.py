import pytest

from quantunet_hls.boards import load
from quantunet_hls.errors import ConfigurationError
from quantunet_hls.rtl.vivado import vivado_script


def test_the_script_reads_every_file_and_aims_at_the_board():
    board = load("zcu104")
    script = vivado_script("net", ["net_conv.v", "net.v", "net_axi.v"], board)
    lines = script.splitlines()
    assert [line for line in lines if line.startswith("read_verilog")] == [
        "read_verilog net_conv.v", "read_verilog net.v", "read_verilog net_axi.v"]
    assert f"synth_design -top net_axi -part {board.part} -mode out_of_context" in lines
    assert "create_clock -name aclk -period 5 [get_ports aclk]" in lines
    assert lines.index("route_design") < lines.index("report_timing_summary -file timing.rpt")


@pytest.mark.parametrize("name", ["net; exec rm", "[exec ls]", "$HOME"])
def test_names_that_tcl_would_run_are_refused(name):
    with pytest.raises(ConfigurationError, match="can't be the name"):
        vivado_script(name, [], load("zcu104"))
    with pytest.raises(ConfigurationError, match="can't be the name"):
        vivado_script("net", [f"{name}.v"], load("zcu104"))
