"""One network in every executor: QONNX in double precision, emulator, C-simulation and RTL, compared with ==."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.emulate.emulator import Emulator
from quantunet_hls.flow.verify import reference
from quantunet_hls.hls.convert import HlsSettings, convert, traced_tensors
from quantunet_hls.hls.streams import set_stream_depths, with_least_depths
from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ingest.model_graph import read_cpp, read_network
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.graph import only, shape_of
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.parallelism import cycle_choices, fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.lower import lower
from quantunet_hls.rtl.simulate.harness import Stalls
from quantunet_hls.rtl.simulate.verilator import build_simulator
from tests.emulate.networks import csimulate
from tests.exact_onnx import exact_outputs

__all__ = ["Executors"]


class Executors:
    """A network, images for it, what it computes of them, and hls4ml's graph of it.

    Attributes:
        given: the network as it came.
        graph: the channels-last graph.
        images: (images, height, width, channels), beyond the ends of the input port too.
        entering: the same as the input port takes them.
        tensors: what the channels-last graph computes of them.
        expected: its result.
    """

    def __init__(self, model: ModelWrapper, folder: Path, *, seed: int = 0, low: float = -1, high: float = 3) -> None:
        self.given, self.folder = model.model, folder
        self.graph = ingest(model)
        random = np.random.default_rng(seed)
        self.images = random.uniform(low, high, (3, *self.graph.input_shape)).astype(np.float32)
        self.entering = self.graph.scales.to_port(self.images)
        self.tensors = run_graph(self.graph.model, self.entering)
        self.expected = self.tensors[only(self.graph.model, "output")]
        settings = HlsSettings("net", "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", {})
        self.model = convert(self.graph.model, infer_types(self.graph.model), settings, folder / "project")

    def check_file(self) -> None:
        """The file as it was given, computed by others, gives the result."""
        (found,) = exact_outputs(self.given, self.graph.to_original(self.images))
        result = only(self.graph.original, "output")
        # A file's classes may have lost the axis of the channels.
        found = found.reshape(len(self.images), *shape_of(self.graph.original, result)[1:])
        values = self.graph.from_original(result, found)
        if self.graph.scales.output is None:
            assert np.array_equal(values, self.expected)
            return
        # Doubles are near the numbers of a scale that is no power of two, and the hardware's is the nearest one.
        lines = [chain.line for chain in self.graph.scales.output]
        factors, offsets = (np.array([float(getattr(line, role)) for line in lines]) for role in ("factor", "offset"))
        step = 2.0**-infer_types(self.graph.model).layers[self.graph.model.graph.node[-1].name].result.fraction
        assert np.array_equal(np.rint((values - offsets) / factors / step) * step, self.expected)

    def check_exactly(self) -> int:
        """Every tensor of the hardware's graph stands for the file's, in fractions; how many values those are."""
        checks = reference(self.graph, self.images).checks
        assert not any(check.differing for check in checks)
        return sum(check.values for check in checks)

    def check_emulator(self) -> None:
        assert np.array_equal(Emulator(self.model).predict(self.entering), self.expected)

    def check_csim(self) -> dict[str, str]:
        """Every traced layer and the result; the layers with the tensors that they equal."""
        design = with_least_depths(read_cpp(self.model))
        set_stream_depths(self.model, design)
        found = csimulate(self.model, "net", self.entering)
        assert np.array_equal(found.output.reshape(-1), self.expected.reshape(-1))
        traced = traced_tensors(self.graph.model, design)
        for layer, tensor in traced.items():
            assert np.array_equal(found.layers[layer].reshape(-1), self.tensors[tensor].reshape(-1)), layer
        return traced

    def check_rtl(self) -> StreamGraph:
        """With and without stalls at a folding between the smallest and the fastest; the folded graph."""
        lowered = lower(read_network(self.model), "net").graph
        choices = cycle_choices(lowered)
        graph = fold(lowered, choices[len(choices) // 3])
        port = self.graph.model.graph.node[0].output[0]
        frames = np.ldexp(self.tensors[port], graph.input.type.fraction).astype(np.int64)
        simulator = build_simulator(generate(graph, self.folder / "verilog"), self.folder / "simulation")
        for stalls in (Stalls(), Stalls(0.2, 0.2)):
            outputs = simulator.run(frames, stalls=stalls).outputs
            assert np.array_equal(outputs * graph.output.type.step, self.expected)
        return graph
