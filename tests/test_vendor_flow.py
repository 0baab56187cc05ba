"""The whole flow with a vendor tool on PATH.

Stand-ins take the place of the tools, which can't be installed here; what this
shows is that their figures end up in the one report, beside our own checks.
"""

from __future__ import annotations

import pytest
import torch

from quantunet_hls import generate_accelerator
from quantunet_hls.core.errors import BoardError, IllegalGraphError, ToolNotFoundError
from quantunet_hls.nets import QuantUNet, calibrate
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Source
from tests.case_files import case_file
from tests.hls.vendor.stubs import Bench

_SHAPE = (1, 4, 6)


@pytest.fixture
def net():
    torch.manual_seed(3)
    unet = QuantUNet(depth=1, base_channels=1)
    calibrate(unet, torch.rand(1, *_SHAPE))
    return unet.eval()


@pytest.fixture
def vendor_tools(tmp_path, monkeypatch):
    return Bench(tmp_path)


def _generate(net, folder, **settings):
    return generate_accelerator(net, "zcu104", name="unet", input_shape=_SHAPE, images=1,
                                projects=folder / "projects", reports=folder / "reports", **settings)


def test_figures_of_the_tool_stand_in_the_report(net, tmp_path, vendor_tools, monkeypatch):
    vendor_tools.install("vitis-run")
    monkeypatch.setenv("PATH", str(vendor_tools.bin), prepend=":")
    made = _generate(net, tmp_path, toolchain="auto", stages=["csynth"])
    assert made.differing == 0
    assert made.report.figure(names.LUT, Source.CSYNTH) is not None
    assert made.report.figure(names.INTERVAL_CYCLES_MAX, Source.ESTIMATE) is not None
    assert "2024.2" in made.report.tools.values()

    again = _generate(net, tmp_path, toolchain="auto", stages=["csynth"])
    assert [outcome.step.name for outcome in again.outcomes if not outcome.cached] == ["export"]

    # Another version on PATH is another result, and the report names it.
    vendor_tools.update("vitis-run", "2024.2", "2031.1")
    newer = _generate(net, tmp_path, toolchain="auto", stages=["csynth"])
    done = [outcome.step.name for outcome in newer.outcomes if not outcome.cached]
    assert done == ["export", "synthesis", "netlist", "place", "report"]
    assert newer.report.tools["Vitis HLS"] == "2031.1"


def test_a_stream_that_vitis_hls_does_not_take_is_refused_or_told(tmp_path, vendor_tools, monkeypatch):
    file = case_file("stream_of_8192_bits")
    vendor_tools.install("vitis-run")
    monkeypatch.setenv("PATH", str(vendor_tools.bin), prepend=":")
    folders = {"projects": tmp_path / "projects", "reports": tmp_path / "reports", "images": 1, "last": "project"}
    with pytest.raises(IllegalGraphError, match=r"512 channels has 8,192 bits, and Vitis HLS takes streams of 4,096"):
        generate_accelerator(file, "zcu104", toolchain="vitis", **folders)
    lines = []
    generate_accelerator(file, "zcu104", toolchain="none", progress=lines.append, **folders)
    assert [line for line in lines if "Vitis HLS would refuse the C++" in line]


def test_without_any_tool_auto_leaves_synthesis_out(net, tmp_path, monkeypatch):
    monkeypatch.setattr("quantunet_hls.flow.resolve.find_spec", lambda name: None)
    made = _generate(net, tmp_path, toolchain="auto")
    assert {figure.source for figure in made.report.figures} == {Source.ESTIMATE, Source.MEASURED}


def test_a_tool_that_was_asked_for_and_is_absent(net, tmp_path):
    with pytest.raises(ToolNotFoundError, match="vitis-run or vitis_hls"):
        _generate(net, tmp_path, toolchain="vitis")
    assert not (tmp_path / "projects").exists()


def test_a_tool_that_does_not_know_the_part(net, tmp_path):
    with pytest.raises(BoardError, match="can't be built with vitis"):
        generate_accelerator(net, "ulx3s-85f", input_shape=_SHAPE, toolchain="vitis", projects=tmp_path)
