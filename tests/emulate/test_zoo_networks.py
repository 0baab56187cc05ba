"""The zoo's networks: emulator and C-simulation, layer by layer, inputs at the ends of the port's type among them."""

import numpy as np
import pytest

from quantunet_hls.emulate import Emulator
from quantunet_hls.hls.convert import HlsSettings, convert
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ingest.source import open_source
from quantunet_hls.zoo import checkpoints as zoo
from tests.emulate.networks import csimulate

_QUANTIZED = [name for name in zoo.names() if zoo.card_of(name).architecture.quantized]


@pytest.mark.slow
@pytest.mark.parametrize("name", _QUANTIZED)
def test_every_layer_equals_the_c_simulation(name, tmp_path):
    graph = ingest(open_source(name, (zoo.card_of(name).architecture.in_channels, 16, 24)).graph())
    shape = graph.input_shape
    random = np.random.default_rng(0)
    low, high = np.zeros(shape), np.full(shape, 255 / 256)
    checks = (np.indices(shape).sum(0) % 2).astype(np.float64)
    images = np.stack([
        low, high, low - 3, high + 40, checks, checks * 2 - 1,  # ends of the port, and far beyond them
        random.integers(0, 256, shape) / 256, random.integers(0, 1024, shape) / 512,  # halves of its steps
        random.choice([0.0, 255 / 256], shape), random.uniform(-1, 2, shape),
    ]).astype(np.float32).astype(np.float64)
    settings = HlsSettings("net", "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", {})
    model = convert(graph.model, infer_types(graph.model), settings, tmp_path / "net")
    traced = Emulator(model).trace(images)
    simulated = csimulate(model, "net", images)
    assert len(simulated.layers) > 30
    for layer, values in simulated.layers.items():
        assert np.count_nonzero(traced[layer].reshape(values.shape) != values) == 0, layer
    # Every layer has something to show.
    assert all(len(np.unique(values)) > 1 for values in simulated.layers.values())
