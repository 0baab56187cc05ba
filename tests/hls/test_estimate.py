"""Estimates of converted models, layer by layer, and in the report."""

import pytest
import torch

from quantunet_hls import generate_accelerator
from quantunet_hls.boards import load
from quantunet_hls.folding import balanced_reuse
from quantunet_hls.hls.convert import HlsSettings, convert
from quantunet_hls.hls.estimate import STREAMS, estimate_design, estimated_figures
from quantunet_hls.hls.streams import stream_bits, with_least_depths
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.export import export_module
from quantunet_hls.ingest.facts import convolution_work
from quantunet_hls.ingest.model_graph import read_cpp
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.nets import QuantUNet, calibrate
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Source
from tests.hls.vendor.stubs import Bench

_SHAPE = (1, 16, 32)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(5)
    unet = QuantUNet(depth=2, base_channels=4)
    calibrate(unet, torch.rand(2, *_SHAPE))
    return unet.eval()


@pytest.fixture(scope="module")
def designs(net, tmp_path_factory):
    """The network with few and with many multipliers."""
    graph = ingest(export_module(net, _SHAPE))
    work, types = convolution_work(graph), infer_types(graph.model)
    made = []
    for budget in (40, 400):
        settings = HlsSettings("net", "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", balanced_reuse(work, budget))
        model = convert(graph.model, types, settings, tmp_path_factory.mktemp("project"))
        made.append(with_least_depths(read_cpp(model)))
    return made


def test_every_layer_is_estimated_or_named(designs):
    found = estimate_design(designs[0])
    layers = {layer.name: layer.kind for layer in designs[0].layers if layer.inputs}
    assert set(found.layers) | set(found.uncounted) == {*layers, STREAMS}
    assert not set(found.layers) & set(found.uncounted)
    assert {layers[name] for name in found.uncounted} == {"Clone", "Concatenate", "Resize"}
    assert {layers[name] for name in found.layers if name != STREAMS} == {
        "Conv2D", "PointwiseConv2D", "Activation", "Pooling2D", "ZeroPadding2D"}


def test_the_total_is_the_sum_of_the_layers(designs):
    found = estimate_design(designs[0])
    for resource in ("lut", "dsp", "bram_18k"):
        assert getattr(found.total, resource) == sum(getattr(each, resource) for each in found.layers.values())
    assert set(found.total.outside) == {name for name, layer in found.layers.items() if layer.outside}
    assert found.outside


def test_more_multipliers_take_more(designs):
    few, many = (estimate_design(model).total for model in designs)
    assert many.dsp > few.dsp > 0
    assert many.lut > few.lut > 0


def test_bits_of_streams_are_those_of_their_words(designs):
    assert sum(stream.depth * stream.shape.channels * stream.type.width for stream in designs[0].streams
               ) == stream_bits(designs[0])[0]


def test_figures_stand_beside_the_board_and_say_what_they_do_not_hold_for(designs):
    found = estimate_design(designs[0])
    figures = {figure.name: figure for figure in estimated_figures(found, load("zcu104"))}
    assert figures[names.LUT].value == found.total.lut
    assert figures[names.LUT].available == 230_400
    assert figures[names.LAYERS_OUTSIDE].value == len(found.outside)
    assert figures[names.LAYERS_UNCOUNTED].value == len(found.uncounted)
    assert {figure.source for figure in figures.values()} == {Source.ESTIMATE}


def test_estimates_stand_beside_c_synthesis_and_beside_the_cycles_of_their_layer(net, tmp_path, monkeypatch):
    tools = Bench(tmp_path)
    tools.install("vitis-run")
    monkeypatch.setenv("PATH", str(tools.bin), prepend=":")
    lines = []
    made = generate_accelerator(net, "zcu104", name="unet", input_shape=_SHAPE, images=1, stages=["csynth"],
                                projects=tmp_path / "projects", reports=tmp_path / "reports", progress=lines.append)
    convolutions = [layer for layer in made.report.layers if layer.kind == "Conv"]
    assert len(convolutions) == len(convolution_work(ingest(export_module(net, _SHAPE))))
    for layer in convolutions:
        assert layer.figure(names.INTERVAL_CYCLES_MAX, Source.ESTIMATE)
        assert layer.figure(names.LUT, Source.ESTIMATE)
    assert made.report.figure(names.LUT, Source.ESTIMATE).value > 0
    assert made.report.figure(names.LUT, Source.CSYNTH) is not None
    assert (made.folder / made.report.files["hls_estimate"]).exists()
    assert any("do not contain" in line and "Concat" in line for line in lines)


def test_a_part_that_vitis_does_not_know_has_no_estimate_of_the_cpp(net, tmp_path):
    made = generate_accelerator(net, "ulx3s-85f", input_shape=_SHAPE, toolchain="none", last="project",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.report.figure(names.LUT, Source.ESTIMATE) is None
    assert "hls_estimate" not in made.report.files
