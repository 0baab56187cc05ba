"""Cycles a frame of a zoo network at several foldings, by RTL simulation.

For each number of cycles the network is folded, its multipliers chosen for the
board, and frames sent through the simulated RTL back to back, without stalls.
Compared are the cycles from frame to frame with those that the slowest layer's
multipliers take for its multiplications, and the output with the integer
reference. The foldings of ``--map`` are mapped by Yosys as well. Writes
``reports/reference/foldings.json``, folding by folding::

    python benchmarks/foldings.py --cycles 294912 131072 589824 --map 294912
"""

from __future__ import annotations

import argparse
import logging
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from quantunet_hls.boards import Board, load
from quantunet_hls.files import write_json
from quantunet_hls.hls.convert import HlsSettings, convert
from quantunet_hls.ingest import ingest
from quantunet_hls.rtl.folding import fold
from quantunet_hls.rtl.graph import Convolution, StreamGraph
from quantunet_hls.rtl.lower import lower
from quantunet_hls.rtl.multipliers import blocks, choose_multipliers, in_fabric
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate import build_simulator
from quantunet_hls.rtl.stitch import generate
from quantunet_hls.rtl.synthesize import MappingOptions, map_design
from quantunet_hls.source import open_source
from quantunet_hls.types import infer_types

OUT = Path(__file__).parent.parent / "reports" / "reference" / "foldings.json"


def stream_graph(model: str, board: Board, folder: Path) -> StreamGraph:
    """A zoo network as it is lowered for the board, not folded yet."""
    graph = ingest(open_source(model, None).graph())
    settings = HlsSettings("net", board.part, board.clock_ns, "Vitis", {})
    return lower(convert(graph.model, infer_types(graph.model), settings, folder)).graph


def mapped(graph: StreamGraph, board: Board, folder: Path) -> dict[str, Any]:
    """Cells of a design, and its shares of the board."""
    assert board.yosys_family is not None
    result = map_design(generate(graph, folder / "verilog"), MappingOptions(board.yosys_family), folder / "mapped",
                        workers=1, lut_multipliers=in_fabric(graph))
    cells = asdict(result.total)
    return {"yosys": result.tool_version, **cells,
            "share": {name: round(cells[name] / getattr(board.resources, name), 4) for name in ("lut", "dsp")},
            "layers": {name: asdict(module.count) for name, module in result.layers.items()}}


def measure(unfolded: StreamGraph, cycles: int, board: Board, frames: int, folder: Path) -> dict[str, Any]:
    """One folding: how fast it is, and whether it computes the right integers."""
    graph = choose_multipliers(fold(unfolded, cycles), board)
    first = graph.input
    shape = first.shape
    images = np.random.default_rng(0).integers(first.type.low, first.type.high + 1,
                                               (frames, shape.height, shape.width, shape.channels))
    began = time.monotonic()
    simulator = build_simulator(generate(graph, folder / "verilog", probes=True), folder / "simulation")
    built = time.monotonic() - began
    seen = simulator.run(images)
    slowest = max(graph.layers, key=lambda layer: layer.cycles)
    least = slowest.macs / slowest.mac_units if slowest.macs else slowest.cycles
    convolutions = [layer for layer in graph.layers if isinstance(layer, Convolution)]
    row = {
        "cycles_asked": cycles, "slowest_layer": slowest.name, "macs_by_mac_units": least,
        "cycles_per_frame": seen.cycles_per_frame, "ratio": seen.cycles_per_frame / least, "frames": frames,
        "differing": int((execute(graph, images)[graph.output.name] != seen.outputs).sum()),
        "values": int(seen.outputs.size),
        "multipliers": sum(layer.mac_units for layer in convolutions),
        "blocks": sum(blocks(layer, layer.multipliers) for layer in convolutions),
        "simd_above_channels": [layer.name for layer in convolutions if layer.simd > layer.input_shape.channels],
        "in": {layer.name: str(layer.multipliers) for layer in convolutions},
        "build_seconds": round(built, 1),
    }
    logging.info("%s", row)
    return row


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description="Cycles a frame at several foldings.")
    parser.add_argument("--model", default="brain_tumor_w4a6_b8d3")
    parser.add_argument("--board", default="zcu104")
    parser.add_argument("--cycles", type=int, nargs="+", default=[294_912, 131_072, 589_824])
    parser.add_argument("--map", type=int, nargs="*", default=[294_912], help="Which of them to map as well.")
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None, help="Keep the Verilog and the programs here.")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    board = load(arguments.board)
    with TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        unfolded = stream_graph(arguments.model, board, folder / "model")
        rows, cells = [], {}
        for cycles in arguments.cycles:
            if cycles in arguments.map:
                graph = choose_multipliers(fold(unfolded, cycles), board)
                cells[str(cycles)] = mapped(graph, board, folder / str(cycles))
                logging.info("%s", cells)
            rows.append(measure(unfolded, cycles, board, arguments.frames, folder / str(cycles)))
            write_json(arguments.out, {"model": arguments.model, "board": arguments.board,
                                       "rtl_simulation": rows, "mapped": cells})


if __name__ == "__main__":
    main()
