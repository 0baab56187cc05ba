"""Random instances of every operator and every stage: numpy, emulator, C-simulation and RTL give the same integers."""

import numpy as np
import pytest

from quantunet_hls.emulate import Emulator
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.table import OPERATORS, STAGES
from quantunet_hls.rtl.fold.parallelism import with_safe_depths
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.lower import lower
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.harness import Stalls
from quantunet_hls.rtl.simulate.verilator import build_simulator
from quantunet_hls.types.fixed import parse_type
from tests.emulate.networks import csimulate
from tests.ops.instances import INSTANCES, STAGE_INSTANCES, instance


def frames_of(network, count: int) -> np.ndarray:
    """Codes all over the port's type, its ends and 0 more often than others."""
    port = parse_type(network.type_of_input)
    shape = (count, *network.input_shape)
    random = network.random
    return np.where(random.integers(3, size=shape) == 0, random.choice([port.low, port.high, 0], shape),
                    random.integers(port.low, port.high + 1, shape))


def numbers(graph: StreamGraph, codes: np.ndarray) -> np.ndarray:
    return np.ldexp(codes.astype(np.float64), -graph.output.type.fraction)


def test_every_operator_and_every_stage_has_instances():
    assert set(INSTANCES) == set(OPERATORS)
    assert set(STAGE_INSTANCES) == set(STAGES)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [*OPERATORS, *STAGES])
def test_numpy_and_the_emulator_give_the_same_integers(kind, seed, tmp_path):
    network = instance(kind, seed)
    model = network.build(tmp_path)
    frames = frames_of(network, 3)
    emulator = Emulator(model)
    graph = lower(read_network(model), network.name).graph
    images = frames * parse_type(network.type_of_input).step
    assert np.array_equal(emulator.predict(images), numbers(graph, execute(graph, frames)[graph.output.name]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [10, 11])
@pytest.mark.parametrize("kind", [*OPERATORS, *STAGES])
def test_c_simulation_and_rtl_give_the_emulators_integers(kind, seed, tmp_path):
    network = instance(kind, seed)
    model = network.build(tmp_path / "project")
    frames = frames_of(network, 3)
    images = frames * parse_type(network.type_of_input).step
    expected = Emulator(model).predict(images)
    simulated = csimulate(model, network.name, images).output
    assert np.array_equal(simulated.reshape(expected.shape), expected)
    graph = with_safe_depths(lower(read_network(model), network.name).graph)
    simulator = build_simulator(generate(graph, tmp_path / "verilog"), tmp_path / "simulation")
    for stalls in (Stalls(), Stalls(0.3, 0.3, seed)):
        assert np.array_equal(numbers(graph, simulator.run(frames, stalls=stalls).outputs), expected)
