"""Depths of hls4ml's streams: the same loops, run pixel by pixel with FIFOs of those depths."""

import re
from pathlib import Path

import pytest
import torch

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding import balanced_reuse
from quantunet_hls.hls.convert import HlsSettings, convert, write_project
from quantunet_hls.hls.streams import actors, set_stream_depths, stream_bits, with_least_depths
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.export import export_module
from quantunet_hls.ingest.facts import convolution_work
from quantunet_hls.ingest.model_graph import read_cpp
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.nets import QuantUNet, calibrate
from tests.folding.test_schedule import simulate


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(3)
    net = QuantUNet(depth=2, base_channels=2)
    calibrate(net, torch.rand(2, 1, 8, 16))
    graph = ingest(export_module(net.eval(), (1, 8, 16)))
    reuse = balanced_reuse(convolution_work(graph), 30)
    settings = HlsSettings("net", "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", reuse)
    converted = convert(graph.model, infer_types(graph.model), settings, tmp_path_factory.mktemp("project"))
    set_stream_depths(converted, with_least_depths(read_cpp(converted)))
    return converted


def depths_of(model):
    writers = {tensor: layer for layer in model.get_layers() for tensor in layer.outputs}
    return {f"{writers[tensor].name}->{reader.name}": int(writers[tensor].get_output_variable(tensor).pragma[1])
            for reader in model.get_layers() for tensor in reader.inputs if tensor in writers}


def test_no_frame_takes_longer_than_the_slowest_layer(model):
    made = list(actors(read_cpp(model)))
    ends = simulate(made, depths_of(model), 5, limit=400_000)
    assert ends is not None, "it stands still"
    pace = max(actor.clocks_per_frame for actor in made)
    assert ends[-1] - ends[-3] <= 2 * pace + 2


def test_the_model_has_the_depths_of_the_design(model):
    depths = {f"{stream.writer}->{stream.reader}": stream.depth for stream in read_cpp(model).streams}
    assert depths == depths_of(model)


def test_even_small_streams_take_less_than_whole_feature_maps(model):
    bits, whole = stream_bits(read_cpp(model))
    assert bits < whole


def test_the_depths_stand_in_the_cpp(model):
    write_project(model)
    written = {int(depth) for depth in re.findall(
        r"#pragma HLS STREAM variable=\w+ depth=(\d+)",
        (Path(model.config.get_output_dir()) / "firmware" / f"{model.config.get_project_name()}.cpp").read_text())}
    assert written == set(depths_of(model).values())


def test_a_layer_that_is_not_known_is_refused_by_name(model, monkeypatch):
    layer = next(layer for layer in model.get_layers() if layer.class_name == "Conv2D")
    monkeypatch.setattr(type(layer), "class_name", "Wavelet", raising=False)
    with pytest.raises(IllegalGraphError, match="Wavelet"):
        read_cpp(model)
