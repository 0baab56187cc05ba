import stat

import pytest

from quantunet_hls.core.errors import ToolNotFoundError
from quantunet_hls.hls.vendor import hls_tool, vivado
from quantunet_hls.hls.vendor.discover import version_in


@pytest.mark.parametrize(
    ("installed", "backend", "name", "version", "arguments"),
    [
        (["vitis-run"], "Vitis", "vitis-run", "2024.2", ("--mode", "hls", "--tcl", "x.tcl")),
        (["vitis_hls"], "Vitis", "vitis_hls", "2022.2", ("-f", "x.tcl")),
        (["vitis_hls", "vitis-run"], "Vitis", "vitis-run", "2024.2", ("--mode", "hls", "--tcl", "x.tcl")),
        (["vivado_hls", "vitis_hls"], "Vivado", "vivado_hls", "2019.2", ("-f", "x.tcl")),
    ],
)
def test_the_tool_that_is_there_is_found(bench, installed, backend, name, version, arguments):
    bench.install(*installed)
    tool = hls_tool(backend)
    assert (tool.name, tool.version, tool.path) == (name, version, bench.bin / name)
    assert tool.arguments("x.tcl") == arguments


def test_the_environment_may_name_another(bench, monkeypatch):
    bench.install("vitis-run", "vitis_hls")
    (bench.bin / "vitis-run").rename(bench.bin / "my vitis")
    monkeypatch.setenv("QUANTUNET_HLS_VITIS_RUN", str(bench.bin / "my vitis"))
    assert hls_tool("Vitis").path == bench.bin / "my vitis"


@pytest.mark.parametrize("backend", ["Vitis", "Vivado"])
def test_no_tool_is_one_sentence_with_a_remedy(bench, backend):
    bench.install("vivado")
    with pytest.raises(ToolNotFoundError, match=r"settings64\.sh"):
        hls_tool(backend)


def test_no_vivado_is_one_sentence(bench):
    with pytest.raises(ToolNotFoundError, match="vivado was not found"):
        vivado()


def test_a_tool_that_does_not_tell_its_version_is_used_all_the_same(bench, caplog):
    path = bench.bin / "vivado"
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    assert vivado().version == ""
    assert "version" in caplog.text


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("****** vitis-run v2024.2 (64-bit)\n  **** SW Build 5239620", "2024.2"),
        ("Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v2023.2.2 (64-bit)", "2023.2.2"),
        ("vivado v2020.1 (64-bit)\nSW Build 2902540", "2020.1"),
        ("no version 12.3", ""),
        ("", ""),
    ],
)
def test_the_version_in_a_banner(text, version):
    assert version_in(text) == version
