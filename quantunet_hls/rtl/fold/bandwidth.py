"""What layers read from external memory while a design computes, and how many rows each computes with what it has read.

A layer whose weights are streamed reads all of them once for each block of rows. In a frame it moves::

    beats of its weights * MEMORY_BITS * height / rows

The more rows a block has, the less is read, and the more pixels lie in its buffers and in the FIFOs beside it, which
wait for whole blocks. So blocks are as small as the port and the board's memory allow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError
from quantunet_hls.ops.feed import MEMORY_BITS, Feed
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer, divisors
from quantunet_hls.ops.weighted import Weighted

__all__ = ["MEMORY_SHARE", "PORT_SHARE", "Traffic", "available", "block_rows", "check_traffic", "external_bytes_per_s",
           "read_bytes", "traffic"]

#: Of all clocks those in which the port moves a beat at most: bursts of several layers begin after each other.
PORT_SHARE = 0.9

#: Of what a memory's pins move what reading in bursts of 256 bytes gets of it, beside refresh and other masters.
MEMORY_SHARE = 0.7


@dataclass(frozen=True)
class Traffic:
    """What a design reads from external memory.

    Attributes:
        of_layers: bytes a frame, by layer.
        frames_per_s: of the design, if it never waits.
        available: bytes a second that port and memory move.
    """

    of_layers: Mapping[str, int]
    frames_per_s: float
    available: float

    @property
    def of_frame(self) -> int:
        """Bytes of a frame."""
        return sum(self.of_layers.values())

    @property
    def needed(self) -> float:
        """Bytes a second."""
        return self.of_frame * self.frames_per_s

    @property
    def reached(self) -> float:
        """Frames a second that it reaches with what there is."""
        return min(self.frames_per_s, self.available / self.of_frame) if self.of_frame else self.frames_per_s

    def __str__(self) -> str:
        return (f"{self.needed / 1e6:,.1f} MB/s for {self.frames_per_s:.4g} frames/s, of {self.available / 1e6:,.1f} "
                "MB/s that there are")


def external_bytes_per_s(board: Board) -> int | None:
    """Bytes a second of the fastest external memory of a board; None where none is known."""
    return max((memory.bytes_per_s for memory in board.memory if memory.bytes_per_s), default=None)


def available(board: Board) -> float:
    """Bytes a second that can be counted on.

    Raises:
        BoardError: nothing is known of the board's memory.
    """
    moves = external_bytes_per_s(board)
    if moves is None:
        raise BoardError(f"What the external memory of {board.title} moves is not known, so weights can't be streamed "
                         "from it; give a board's file with the bytes_per_s of its memory, or have weights loaded.")
    return min(MEMORY_SHARE * moves, PORT_SHARE * MEMORY_BITS / 8 * 1e9 / board.clock_ns)


def read_bytes(layer: StreamLayer) -> int:
    """Of a frame, by a layer."""
    return _bytes(layer.feed) * layer.feedings if layer.feed else 0


def traffic(graph: StreamGraph, board: Board) -> Traffic:
    """What a folded graph reads.

    Raises:
        BoardError: it reads something, and nothing is known of the board's memory.
    """
    of_layers = {layer.name: read_bytes(layer) for layer in graph.feeding}
    return Traffic(of_layers, 1e9 / (graph.cycles * board.clock_ns), available(board) if of_layers else 0.0)


def check_traffic(graph: StreamGraph, board: Board) -> None:
    """Refuse a design that would wait for external memory.

    Raises:
        BoardError: says what it needs, and which rate it reaches.
    """
    found = traffic(graph, board)
    if found.of_layers and found.needed > found.available:
        raise BoardError(f"The weights that are streamed from the memory of {board.title} would come too late: they "
                         f"take {found}. It reaches {_told(found.reached)} frames/s (--fps {_told(found.reached)}); or "
                         "have fewer layers streamed, or blocks of more rows.")


def block_rows(graph: StreamGraph, names: Collection[str], board: Board) -> dict[str, int]:
    """Rows of a block for each of some layers, as few as what there is to move their weights allows.

    A layer that begins later by a share of a frame has skip connections wait as long, so blocks grow first where that
    saves most bytes for such a share. Where there is too little for any blocks, they are whole frames.

    Args:
        graph: folded; those layers are loaded or streamed.
    """
    budget = available(board) * graph.cycles * board.clock_ns / 1e9
    layers = [layer for layer in graph.layers if layer.name in names and isinstance(layer, Weighted)]
    choices = {layer.name: divisors(layer.shape.height) for layer in layers}
    rows = {name: found.pop(0) for name, found in choices.items()}

    def moved(layer: Weighted, number: int) -> int:
        return _bytes(layer.feed_layout) * (layer.shape.height // number)

    def gain(layer: Weighted) -> float:
        now, then = rows[layer.name], choices[layer.name][0]
        return (moved(layer, now) - moved(layer, then)) * layer.shape.height / (then - now)

    while sum(moved(layer, rows[layer.name]) for layer in layers) > budget:
        growing = [layer for layer in layers if choices[layer.name]]
        if not growing:
            break
        name = max(growing, key=gain).name
        rows[name] = choices[name].pop(0)
    return rows


def _bytes(feed: Feed) -> int:
    """Of a layer's weights as they are read."""
    return feed.beats * MEMORY_BITS // 8


def _told(rate: float) -> str:
    """Rounded down, so that it is reached."""
    return f"{rate * 0.999:.3g}"
