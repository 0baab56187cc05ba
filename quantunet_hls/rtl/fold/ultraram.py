"""Which layers' weights lie in UltraRAM: those with which as few of its blocks as possible let the rest fit.

How many words a layer has is no choice: it is the pace in clocks divided by the pixels that go out, and a word has
as many bits as the layer's products take in a clock, in whichever shape of processing elements. So words are deep where
images are small, and deep words fill UltraRAM: of 2,048 words of 144 bits a memory of 1,152 words fills 56 %, one of
288 words 14 %, where block RAM of 512 words has as much. Hence all are weighed together, by the memory blocks
that each would leave and the UltraRAM that it would take.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from quantunet_hls.boards import Board
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import Weighted, weighted
from quantunet_hls.rtl.fold.estimate import contents, estimate
from quantunet_hls.targets import Family
from quantunet_hls.targets.memories import layout, ultra_of_buffer

__all__ = ["layers_in_ultraram", "spared_by_ultraram"]

#: Most memory blocks that Yosys mapped of an estimated one (:data:`quantunet_hls.rtl.fold.capacity.MAPPED_SHARES`).
_SPARE = 1.01
#: Blocks of 18 kbit that cost Yosys at least as much as an UltraRAM block (129 each, 1,024): it chooses by that.
_AS_COSTLY = 8


@dataclass(frozen=True)
class _Movable:
    """What may lie in either kind of memory.

    Attributes:
        blocks: of 18 kbit.
        ultra: UltraRAM blocks in their place.
        layer: whose weights it holds; "" of a buffer.
    """

    blocks: int
    ultra: int
    layer: str = ""


def layers_in_ultraram(graph: StreamGraph, board: Board) -> list[str]:
    """Names of the layers whose weights go to a board's UltraRAM: none where block RAM holds everything.

    Buffers go there only where the weights alone don't make room enough. Where nothing does, those go that leave
    least in block RAM.

    Args:
        graph: with its multipliers; weights are in ROM, loaded or streamed, none in UltraRAM.
        board: whose memories are known.
    """
    have, family = board.resources, board.part_family
    if not have.uram or have.bram_18k is None:
        return []
    whole, weights = estimate(graph, family).bram_18k, [*_weights(graph, family)]
    for movable in (weights, [*weights, *_buffers(graph, family)]):
        left, moved = _most_spared(movable, have.uram)
        fitting = np.flatnonzero(_SPARE * (whole - left) <= have.bram_18k)
        if len(fitting):
            return _names(movable, moved, int(fitting[0]))
    return _names(movable, moved, have.uram)


def spared_by_ultraram(graph: StreamGraph, family: Family, have: int) -> int:
    """Memory blocks of buffers in whose place there could be so many UltraRAM blocks."""
    return int(_most_spared([*_buffers(graph, family)], have)[0][-1])


def _weights(graph: StreamGraph, family: Family) -> Iterator[_Movable]:
    for layer in weighted(graph):
        memory = layer.weight_memory
        if memory and (blocks := layout(memory, family).blocks):
            yield _Movable(blocks, layout(replace(memory, ultra=True), family).ultra, layer.name)


def _buffers(graph: StreamGraph, family: Family) -> Iterator[_Movable]:
    """Those of modules without loaded weights: of the others every memory has its place when they are generated."""
    loaded = {layer.name for layer in graph.inner if isinstance(layer, Weighted) and layer.loaded}
    for name, content in contents(graph, family).items():
        for memory in content.memories if name not in loaded else ():
            blocks = 0 if memory.rom or memory.ultra else layout(memory, family).blocks
            ultra = ultra_of_buffer(memory)
            if blocks >= _AS_COSTLY * ultra:
                yield _Movable(blocks, ultra)


def _most_spared(movable: list[_Movable], have: int) -> tuple[np.ndarray, np.ndarray]:
    """By UltraRAM blocks that may be taken, most memory blocks that they stand for, and what moves for that.

    A knapsack; the latter has a row for each that may move and a column for each number of blocks.
    """
    spared, moved = np.zeros(have + 1, np.int64), np.zeros((len(movable), have + 1), bool)
    for index, one in enumerate(movable):
        if one.ultra > have:
            continue
        more = np.full(have + 1, -1)
        more[one.ultra:] = spared[: have + 1 - one.ultra] + one.blocks
        moved[index] = more > spared
        spared = np.maximum(more, spared)
    return spared, moved


def _names(movable: list[_Movable], moved: np.ndarray, taken: int) -> list[str]:
    """The layers that move where so many UltraRAM blocks may be taken, in their order."""
    names = []
    for index in reversed(range(len(movable))):
        if moved[index, taken]:
            names.append(movable[index].layer)
            taken -= movable[index].ultra
    return [name for name in reversed(names) if name]
