"""Seconds of each step, this package beside plain hls4ml, on the same network in one run.

    python benchmarks/flow.py [--size 128] [--images 4]

Plain hls4ml can't read a U-Net's QONNX graph (see README), so its column starts
from our channels-last graph and takes hls4ml's own configuration, `compile()` and
`predict()`. The columns share the export and the ingest.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import hls4ml
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.folding import balanced_reuse
from quantunet_hls.hls.convert import HlsSettings, convert, traced_tensors, write_project
from quantunet_hls.hls.csim import compile_bench, simulate
from quantunet_hls.hls.mends.resize_shape_1268 import applied, with_factors
from quantunet_hls.hls.testbench import Bench, write_bench
from quantunet_hls.ingest import HardwareGraph, export_module, ingest, run_graph
from quantunet_hls.ingest.facts import convolution_work, network_facts
from quantunet_hls.ingest.model_graph import read_cpp
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.nets import QuantUNet, calibrate
from quantunet_hls.ops.qonnx.graph import only, shape_of

PART = "xczu7ev-ffvc1156-2-e"
CLOCK_NS = 5.0


@contextlib.contextmanager
def timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Note how long a block takes."""
    started = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - started


def ours(graph: HardwareGraph, images: np.ndarray, folder: Path) -> tuple[dict[str, float], np.ndarray]:
    """Seconds of conversion, compilation and simulation an image, and what it computes."""
    seconds: dict[str, float] = {}
    reference = run_graph(graph.model, images)[only(graph.model, "output")]
    with timed(seconds, "conversion"):
        types = infer_types(graph.model)
        reuse = balanced_reuse(convolution_work(graph), 864)
        model = convert(graph.model, types, HlsSettings("ours", PART, CLOCK_NS, "Vitis", reuse), folder)
        write_project(model)
        tensors = traced_tensors(graph.model, read_cpp(model))
        sizes = {layer: int(np.prod(shape_of(graph.model, tensor))) for layer, tensor in tensors.items()}
        write_bench(Bench("ours", int(np.prod(graph.input_shape)), int(np.prod(graph.output_shape)), sizes), folder)
    seconds["compile"] = compile_bench(folder, "ours", macs=network_facts(graph).macs * len(images))
    result = simulate(folder, images, reference, sizes)
    seconds["C-sim, an image"] = result.run_s / len(images)
    return seconds, result.output.reshape(reference.shape)


def plain(graph: HardwareGraph, images: np.ndarray, folder: Path) -> tuple[dict[str, float], np.ndarray]:
    """The same with hls4ml's own configuration and library."""
    seconds: dict[str, float] = {}
    # Without this one mend hls4ml 1.3.0 does not convert the graph at all.
    with applied(), contextlib.redirect_stdout(io.StringIO()):
        with timed(seconds, "conversion"):
            model = with_factors(graph.model).model
            config = hls4ml.utils.config_from_onnx_model(
                model, granularity="name", backend="Vitis", default_precision="fixed<16,6>"
            )
            config["Model"]["Strategy"] = "Resource"
            project = hls4ml.converters.convert_from_onnx_model(
                model, output_dir=str(folder), project_name="plain", backend="Vitis", hls_config=config,
                io_type="io_stream", part=PART, clock_period=CLOCK_NS,
            )
            project.write()
        with timed(seconds, "compile"):
            project.compile()
        with timed(seconds, "C-sim, an image"):
            output = project.predict(np.ascontiguousarray(images, dtype=np.float32))
    seconds["C-sim, an image"] /= len(images)
    return seconds, output.reshape(len(images), *graph.output_shape)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128, help="height and width of the images")
    parser.add_argument("--images", type=int, default=4)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    net = QuantUNet(depth=3, base_channels=8)
    pixels = draw_phantoms(arguments.images, arguments.size, arguments.size).images / 256
    calibrate(net, torch.tensor(pixels, dtype=torch.float32))
    shared: dict[str, float] = {}
    with timed(shared, "export"):
        exported = export_module(net.eval(), (1, arguments.size, arguments.size))
    with timed(shared, "ingest"):
        graph = ingest(exported)
    images = pixels.transpose(0, 2, 3, 1)
    reference = run_graph(graph.model, images)[only(graph.model, "output")]
    table = Table("Step", title=f"Seconds: depth 3, base 8, {arguments.size}x{arguments.size}, "
                                 f"{arguments.images} images")
    columns = []
    for name, run in (("quantunet_hls", ours), ("hls4ml", plain)):
        with tempfile.TemporaryDirectory() as folder:
            seconds, output = run(graph, images, Path(folder))
        columns.append(shared | seconds)
        table.add_column(f"{name} ({np.count_nonzero(output != reference):,} of {reference.size:,} differ)",
                         justify="right")
    table.add_column("ratio", justify="right")
    for step in columns[0]:
        mine, theirs = (column[step] for column in columns)
        table.add_row(step, f"{mine:.2f}", f"{theirs:.2f}", f"{mine / theirs:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
