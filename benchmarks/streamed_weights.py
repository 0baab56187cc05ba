"""A network whose weights no chip holds, folded with its deep levels' weights in external memory: what it then reads.

By default the original U-Net, 31.0 million parameters, at 128x128 on a ZCU104::

    python benchmarks/streamed_weights.py --fps 20

The stream graph is written down as such a network is lowered: random weights of 4 bits, activations of 6, a ReLU behind
each convolution. Nothing is generated or mapped: it prints for each layer with weights where they are, and of streamed
ones for how many rows they are read once and the bytes a frame; then bandwidth, frame rate and the estimate. All goes
into ``reports/reference/streamed_weights.json``.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from quantunet_hls.boards import Board, load
from quantunet_hls.core.files import write_json
from quantunet_hls.flow.folded_design import StreamChoices, chosen_for
from quantunet_hls.ops.concat.stream import Concat
from quantunet_hls.ops.convolution.stream import Convolution
from quantunet_hls.ops.depth_to_space.stream import DepthToSpace
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.bandwidth import read_bytes, traffic
from quantunet_hls.rtl.fold.capacity import needs, told
from quantunet_hls.rtl.fold.estimate import estimate
from quantunet_hls.rtl.fold.fit import latency_cycles
from quantunet_hls.rtl.fold.parallelism import parallel, with_safe_depths
from quantunet_hls.rtl.generate.design import depth_of
from quantunet_hls.types.fixed import FixedType

REFERENCE = Path(__file__).parent.parent / "reports" / "reference" / "streamed_weights.json"

CODE = FixedType(6, 4, False, "RND_CONV", "SAT")
SAME, POINT = Window((3, 3), padding=(1, 1, 1, 1)), Window((1, 1))


def unet(size: int, base: int = 64, depth: int = 4) -> StreamGraph:
    """The original U-Net: two convolutions a level, maxima of 2x2, transposed convolutions of 2x2, skip connections."""
    made = Network(size)
    skips = []
    for level in range(depth):
        made.convolution(f"enc{level}a", base << level)
        skips.append(made.convolution(f"enc{level}b", base << level))
        made.pooling(f"pool{level}")
    made.convolution("mida", base << depth)
    made.convolution("midb", base << depth)
    for level in reversed(range(depth)):
        made.transposed(f"up{level}", base << level)
        made.joined(f"both{level}", skips[level])
        made.convolution(f"dec{level}a", base << level)
        made.convolution(f"dec{level}b", base << level)
    made.convolution("head", 1, POINT, (Cast(FixedType(16, 6)),))
    return StreamGraph("unet", tuple(made.layers))


class Network:
    """Layers one behind the other, each of what the one before puts out."""

    def __init__(self, size: int) -> None:
        self.layers: list[StreamLayer] = [Input("image", (), Shape(size, size, 1), FixedType(8, 8, False))]
        self._random = np.random.default_rng(0)

    def convolution(self, name: str, channels: int, window: Window = SAME, stages: tuple[Stage, ...] = (Relu(CODE),)
                    ) -> StreamLayer:
        """One of 4-bit weights."""
        source = self.layers[-1]
        shape = replace(source.shape, channels=channels)
        weights = self._random.integers(-7, 8, (*window.kernel, source.shape.channels, channels))
        bias = self._random.integers(-300, 300, channels)
        return self._add(Convolution(name, (source.name,), shape, stages[-1].type, source.shape, source.type, window,
                                     weights, bias, source.type.fraction + 4, stages))

    def pooling(self, name: str) -> None:
        """Maxima of 2x2."""
        source = self.layers[-1]
        half = Shape(source.shape.height // 2, source.shape.width // 2, source.shape.channels)
        self._add(Pooling(name, (source.name,), half, CODE, source.shape, CODE, Window((2, 2), (2, 2)), "max",
                          (Cast(CODE),), slack=source.shape.width))

    def transposed(self, name: str, channels: int) -> None:
        """Of 2x2 at stride 2: a convolution of one pixel to four times the channels, which become pixels."""
        source = self.convolution(f"{name}_phases", 4 * channels, POINT)
        twice = Shape(2 * source.shape.height, 2 * source.shape.width, channels)
        self._add(DepthToSpace(name, (source.name,), twice, CODE, source.shape, 2, True))

    def joined(self, name: str, skip: StreamLayer) -> None:
        """With the channels of a skip connection in front."""
        source = self.layers[-1]
        channels = (skip.shape.channels, source.shape.channels)
        self._add(Concat(name, (skip.name, source.name), replace(source.shape, channels=sum(channels)), CODE, channels))

    def _add(self, layer: StreamLayer) -> StreamLayer:
        self.layers.append(layer)
        return layer


def folded(graph: StreamGraph, fps: float, weights: str, board: Board) -> StreamGraph:
    """For a frame rate, with FIFOs for the blocks of streamed layers."""
    paced = parallel(graph, int(1e9 / (fps * board.clock_ns)))
    return with_safe_depths(chosen_for(StreamChoices("auto", weights), board)(paced))


def told_of(graph: StreamGraph, board: Board) -> dict[str, Any]:
    """All that is known of a folded design before it is generated."""
    read = traffic(graph, board)
    layers = [{
        "layer": layer.name, "kind": layer.title, "parameters": int(layer.weights.size), "lanes": layer.lanes,
        "multipliers": layer.mac_units, "cycles": layer.cycles, "rows": layer.loaded.rows if layer.loaded else None,
        "bytes_a_frame": read_bytes(layer), "held_bits": layer.feed_memory.bits if layer.feed_memory else 0,
    } for layer in weighted(graph)]
    return {
        "parameters": sum(layer.weights.size for layer in weighted(graph)), "cycles": graph.cycles,
        "frames_per_s": read.frames_per_s, "latency_cycles": latency_cycles(graph),
        "fifo_bits": sum(depth_of(graph, edge) * source.lanes * source.type.width for edge, source, _ in graph.edges),
        "bytes_a_frame": read.of_frame, "needed_bytes_per_s": read.needed, "available_bytes_per_s": read.available,
        "estimate": asdict(estimate(graph, board.part_family)), "needs": told(needs(graph, board)), "layers": layers}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=int, default=64, help="channels at full size")
    parser.add_argument("--depth", type=int, default=4, help="poolings")
    parser.add_argument("--size", type=int, default=128, help="height and width of the images")
    parser.add_argument("--board", default="zcu104")
    parser.add_argument("--fps", type=float, default=20.0)
    parser.add_argument("--weights", default="auto", choices=("auto", "streamed"))
    chosen = parser.parse_args()
    board = load(chosen.board)
    graph = folded(unet(chosen.size, chosen.base, chosen.depth), chosen.fps, chosen.weights, board)
    found = {"board": board.name, "size": chosen.size, "base": chosen.base, "depth": chosen.depth,
             **told_of(graph, board)}
    sys.stdout.write("| layer | weights | parameters | multipliers | bytes a frame |\n|---|---|---|---|---|\n")
    for layer in found["layers"]:
        sys.stdout.write(f"| {layer['layer']} | {layer['kind'].rpartition(', ')[2]} | {layer['parameters']:,} "
                         f"| {layer['multipliers']} | {layer['bytes_a_frame']:,} |\n")
    sys.stdout.write(f"{found['parameters']:,} parameters; {traffic(graph, board)}; latency "
                     f"{found['latency_cycles'] * board.clock_ns / 1e6:.3g} ms; {found['needs']}\n")
    write_json(REFERENCE, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
