"""Random residual networks through every executor: 0 differing values, and nothing stands still."""

import numpy as np
import pytest

from quantunet_hls.emulate.emulator import Emulator
from quantunet_hls.hls.convert import HlsSettings, convert, traced_tensors
from quantunet_hls.hls.streams import set_stream_depths
from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.rtl.fold.parallelism import cycle_choices, fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.lower import lower
from quantunet_hls.rtl.simulate.harness import Stalls
from quantunet_hls.rtl.simulate.verilator import build_simulator
from tests.builders import Net, execute, op_types
from tests.emulate.networks import csimulate
from tests.ops.add.residual_nets import residual_net

SEEDS = range(20)


class Case:
    """A network, images for it, what it computes of them, and hls4ml's graph of it."""

    def __init__(self, net, folder, seed):
        self.graph = ingest(net.model())
        random = np.random.default_rng(seed)
        self.images = random.uniform(-1, 3, (3, *self.graph.input_shape)).astype(np.float32)
        self.tensors = run_graph(self.graph.model, self.images)
        self.output = self.graph.model.graph.output[0].name
        self.expected = self.tensors[self.output]
        settings = HlsSettings("net", "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", {})
        self.model = convert(self.graph.model, infer_types(self.graph.model), settings, folder / "project")
        self.folder = folder

    def check_emulator(self):
        assert np.array_equal(Emulator(self.model).predict(self.images), self.expected)

    def check_csim(self):
        set_stream_depths(self.model)
        found = csimulate(self.model, "net", self.images)
        assert np.array_equal(found.output.reshape(-1), self.expected.reshape(-1))
        traced = traced_tensors(self.graph.model, self.model)
        # A sum that is quantized at once is the quantizer's layer.
        assert sum(layer.startswith("Add") for layer in traced) >= 2
        for layer, tensor in traced.items():
            assert np.array_equal(found.layers[layer].reshape(-1), self.tensors[tensor].reshape(-1)), layer

    def check_rtl(self):
        lowered = lower(read_network(self.model), "net").graph
        choices = cycle_choices(lowered)
        graph = fold(lowered, choices[len(choices) // 3])
        for name in {layer.name for layer in graph.layers if len(layer.sources) > 1}:
            assert all(f"{source}->{name}" in graph.fifo_depths for source in graph[name].sources)
        port = self.graph.model.graph.node[0].output[0]
        frames = np.ldexp(self.tensors[port], graph.input.type.fraction).astype(np.int64)
        simulator = build_simulator(generate(graph, self.folder / "verilog"), self.folder / "simulation")
        for stalls in (Stalls(), Stalls(0.2, 0.2)):
            outputs = simulator.run(frames, stalls=stalls).outputs
            assert np.array_equal(outputs * graph.output.type.step, self.expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_graph_is_what_qonnx_computes_and_the_emulator_agrees(seed, tmp_path):
    net = residual_net(seed)
    case = Case(net, tmp_path, seed)
    graph = case.graph
    assert 2 <= op_types(graph.model).count("Add") <= 5
    given = graph.to_original(case.images)
    for image, expected in zip(given, case.expected, strict=True):
        found = graph.from_original(graph.origins[case.output], execute(tidy(net.model()), image[None]))
        assert np.array_equal(found[0], expected)
    assert np.unique(case.expected).size > 8
    case.check_emulator()


def test_a_sum_at_the_skip_of_a_unet_in_the_rtl(tmp_path):
    net = residual_net(0)
    assert "Resize" in [node.op_type for node in net.nodes]
    Case(net, tmp_path, 0).check_rtl()


def test_a_value_added_to_itself(tmp_path):
    net = Net((1, 2, 4, 6))
    kept = net.quant(net.relu(net.conv(net.quant("x"), 2)))
    net.conv(net.add("Add", [kept, kept], net.shapes[kept]), 2)
    case = Case(net, tmp_path, 0)
    case.check_emulator()
    case.check_rtl()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_cpp_and_the_rtl_compute_the_same(seed, tmp_path):
    case = Case(residual_net(seed), tmp_path, seed)
    case.check_csim()
    case.check_rtl()
