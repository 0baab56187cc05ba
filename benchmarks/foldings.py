"""Cycles a frame of a zoo network at several foldings, by RTL simulation.

For each number of cycles the network is folded, its multipliers chosen for the
board, and frames sent through the simulated RTL back to back, without stalls.
Compared are the cycles from frame to frame with those that the slowest layer's
multipliers take for its multiplications, and the output with the integer
reference. The foldings of ``--map`` are mapped by Yosys as well. Writes
``reports/reference/foldings.json``, folding by folding::

    python benchmarks/foldings.py --cycles 294912 131072 589824 --map 294912

With ``--fps`` networks are folded for frame rates instead, with the fewest multipliers
that meet them at the board's clock, and simulated alike; nothing is mapped. Writes
``reports/reference/rates.json``; what stands there already is not simulated again::

    python benchmarks/foldings.py --model brain_tumor_w4a6_b8d3 brain_tumor_learned_b8d3 --fps 100 200 400
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
from quantunet_hls.core.files import read_json, write_json
from quantunet_hls.flow.unfolded import stream_graph
from quantunet_hls.folding import Goal
from quantunet_hls.ops.convolution.stream import Convolution
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.fit import fold_for
from quantunet_hls.rtl.fold.multipliers import blocks, choose_multipliers, in_fabric
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.verilator import build_simulator
from quantunet_hls.rtl.synthesize.mapping import MappingOptions, map_design

REFERENCES = Path(__file__).parent.parent / "reports" / "reference"


def mapped(graph: StreamGraph, board: Board, folder: Path) -> dict[str, Any]:
    """Cells of a design, and its shares of the board."""
    result = map_design(generate(graph, folder / "verilog"), MappingOptions(board.part_family), folder / "mapped",
                        workers=1, lut_multipliers=in_fabric(graph))
    cells = asdict(result.total)
    return {"yosys": result.tool_version, **cells,
            "share": {name: round(cells[name] / getattr(board.resources, name), 4) for name in ("lut", "dsp")},
            "layers": {name: asdict(module.count) for name, module in result.layers.items()}}


def measure(graph: StreamGraph, board: Board, frames: int, folder: Path) -> dict[str, Any]:
    """One folding: how fast it is, and whether it computes the right integers."""
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
        "slowest_layer": slowest.name, "macs_by_mac_units": least,
        "cycles_per_frame": seen.cycles_per_frame, "ratio": seen.cycles_per_frame / least, "frames": frames,
        "differing": int((execute(graph, images)[graph.output.name] != seen.outputs).sum()),
        "values": int(seen.outputs.size),
        "multipliers": sum(layer.mac_units for layer in convolutions),
        "blocks": sum(blocks(layer, layer.multipliers, board.part_family) for layer in convolutions),
        "simd_above_channels": [layer.name for layer in convolutions if layer.simd > layer.input_shape.channels],
        "in": {layer.name: str(layer.multipliers) for layer in convolutions},
        "build_seconds": round(built, 1),
    }
    logging.info("%s", row)
    return row


def foldings(model: str, board: Board, cycles: list[int], to_map: list[int], frames: int, folder: Path, out: Path
             ) -> None:
    """The table of foldings for numbers of cycles."""
    unfolded = stream_graph(model, board)
    rows, cells = [], {}
    for count in cycles:
        graph = choose_multipliers(fold(unfolded, count), board)
        if count in to_map:
            cells[str(count)] = mapped(graph, board, folder / str(count))
            logging.info("%s", cells)
        rows.append({"cycles_asked": count, **measure(graph, board, frames, folder / str(count))})
        write_json(out, {"model": model, "board": board.name, "rtl_simulation": rows, "mapped": cells})


def rates(models: list[str], board: Board, targets: list[float], frames: int, folder: Path, out: Path) -> None:
    """The table of frame rates: what was asked for, and what the simulated cycles are at the board's clock."""
    known = read_json(out)["rtl_simulation"] if out.exists() else []
    rows = {(row["model"], row["board"], row["frames_per_s_asked"]): row for row in known}
    for model in models:
        missing = [rate for rate in targets if (model, board.name, rate) not in rows]
        unfolded = stream_graph(model, board) if missing else None
        for rate in missing:
            assert unfolded is not None
            goal = Goal(frames_per_s=rate)
            allowed = goal.cycles(board.clock_ns)
            assert allowed is not None
            graph = fold_for(unfolded, goal, board, lambda folded: choose_multipliers(folded, board))
            row = measure(graph, board, frames, folder / model / f"{rate:g}")
            rows[model, board.name, rate] = {
                "model": model, "board": board.name, "clock_ns": board.clock_ns, "frames_per_s_asked": rate,
                "frames_per_s": 1e9 / (row["cycles_per_frame"] * board.clock_ns), "cycles_allowed": allowed,
                "of_allowed": row["cycles_per_frame"] / allowed, **row}
            write_json(out, {"rtl_simulation": list(rows.values())})


def main() -> None:
    """Measure and write a table."""
    parser = argparse.ArgumentParser(description="Cycles a frame at several foldings, or frame rates.")
    parser.add_argument("--model", nargs="+", default=["brain_tumor_w4a6_b8d3"], help="Only one without --fps.")
    parser.add_argument("--board", default="zcu104")
    parser.add_argument("--cycles", type=int, nargs="+", default=[294_912, 131_072, 589_824])
    parser.add_argument("--map", type=int, nargs="*", default=[294_912], help="Which of them to map as well.")
    parser.add_argument("--fps", type=float, nargs="+", default=[], help="Frame rates to fold for, rather than cycles.")
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None, help="Keep the Verilog and the programs here.")
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    board = load(arguments.board)
    with TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        if arguments.fps:
            rates(arguments.model, board, arguments.fps, arguments.frames, folder,
                  arguments.out or REFERENCES / "rates.json")
        elif len(arguments.model) > 1:
            parser.error("Foldings are of one model; give one, or frame rates.")
        else:
            foldings(arguments.model[0], board, arguments.cycles, arguments.map, arguments.frames, folder,
                     arguments.out or REFERENCES / "foldings.json")


if __name__ == "__main__":
    main()
