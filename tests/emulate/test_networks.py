"""The emulator against the C-simulation of random networks, value by value."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from quantunet_hls.emulate import Emulator, read_network
from quantunet_hls.types.fixed import ROUNDINGS, SATURATIONS
from tests.emulate.networks import csimulate, edge_images, random_network


def check(seed: int, folder) -> None:
    network = random_network(seed)
    images = edge_images(network, 4)
    model = network.build(folder / network.name)
    emulator = Emulator(model)
    traced = emulator.trace(images)
    simulated = csimulate(model, network.name, images)
    assert len(simulated.layers) == 17
    for name, values in simulated.layers.items():
        assert np.count_nonzero(traced[name].reshape(values.shape) != values) == 0, name
    assert np.array_equal(emulator.predict(images).reshape(simulated.output.shape), simulated.output)


@settings(deadline=None, max_examples=2, phases=[Phase.generate], derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(100, 10_000))
def test_every_layer_of_a_random_network_equals_the_c_simulation(seed, tmp_path):
    check(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_fifty_random_networks(seed, tmp_path):
    check(seed, tmp_path)


def test_random_networks_reach_every_layer_kind_and_mode(tmp_path):
    seen = set()
    for seed in range(12):
        model = random_network(seed).build(tmp_path / str(seed))
        for layer in read_network(model).layers:
            seen.add(type(layer).__name__)
            for stage in layer.stages:
                seen |= {type(stage).__name__, stage.type.rounding, stage.type.saturation}
    kinds = {"Input", "Convolution", "Pooling", "Padding", "Upsample", "Concat", "Pointwise"}
    kinds |= {"ZeroInsertion", "ArgMax"}
    assert seen == kinds | {"Cast", "Relu", "LeakyRelu", "Sigmoid", "Threshold"} | set(ROUNDINGS) | set(SATURATIONS)
