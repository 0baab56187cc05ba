"""Resources of a folded stream graph before it is mapped: what Yosys is likely to make of it, in milliseconds.

DSP blocks are counted as they will be instantiated. Memories are laid out in
blocks of 18 kbit by their shape (UG573). LUTs of matrix-vector units come from
:func:`quantunet_hls.rtl.multipliers.luts`, those of all else from the numbers below,
which are medians of what Yosys 0.70 maps for the layers of the zoo's U-Net.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from quantunet_hls.boards import Board
from quantunet_hls.rtl.components.packing import bits_for
from quantunet_hls.rtl.components.rom import in_block_rom
from quantunet_hls.rtl.graph import (
    Convolution,
    Input,
    Layer,
    StreamGraph,
    Upsample,
    Weighted,
)
from quantunet_hls.rtl.multipliers import blocks, luts
from quantunet_hls.rtl.stitch import depth_of

__all__ = ["Estimate", "Memory", "block_rams", "estimate", "layer_memories", "shares"]

#: Shapes of a block of 18 kbit: (words, bits), UG573; two of them side by side are one of 36 kbit.
_BLOCK_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))

#: Bits from which on Yosys takes a block for a memory with writes, rather than LUTs.
BLOCK_RAM_BITS = 4096

#: LUTs of a memory of LUTs: 64 bits in one, and its share of addressing.
_LUT_MEMORY_BITS = 40

#: LUTs of a line buffer's loop nest, of a unit without weights, of a FIFO.
_LUTS_OF_WINDOW, _LUTS_OF_UNIT, _LUTS_OF_FIFO = 150, 90, 45


@dataclass(frozen=True)
class Memory:
    """A memory of ``depth`` words of ``width`` bits; a ROM is one that nothing writes."""

    depth: int
    width: int
    rom: bool = False

    @property
    def in_blocks(self) -> bool:
        """Whether it is made of memory blocks rather than LUTs."""
        if self.rom:
            return in_block_rom(self.depth, self.width)
        return self.depth * self.width >= BLOCK_RAM_BITS


@dataclass(frozen=True)
class Estimate:
    """Resources in the units of the board catalogue."""

    lut: int
    dsp: int
    bram_18k: int


def block_rams(memory: Memory) -> int:
    """Blocks of 18 kbit, in the shape that takes the fewest; 0 for a memory of LUTs."""
    if not memory.in_blocks:
        return 0
    return min(-(-memory.depth // words) * -(-memory.width // bits) for words, bits in _BLOCK_SHAPES)


def layer_memories(layer: Layer) -> Iterator[Memory]:
    """Line buffer and weights of a layer."""
    if isinstance(layer, Weighted):
        words = layer.weights.size // layer.mac_units
        if words > 1:
            width = layer.mac_units * bits_for(int(layer.weights.min()), int(layer.weights.max()))
            yield Memory(words, width, rom=True)
    if isinstance(layer, Upsample):
        yield Memory(2 * layer.input_shape.width * layer.shape.channels // layer.lanes, layer.lanes * layer.type.width)
    window = getattr(layer, "window", None)
    if window is not None and (window.taps > 1 or (isinstance(layer, Convolution) and layer.neuron_fold > 1)):
        words = layer.input_shape.channels // layer.input_lanes  # type: ignore[attr-defined]
        yield Memory((window.reach(layer.input_shape.width) + layer.slack) * words,  # type: ignore[attr-defined]
                     layer.input_lanes * layer.input_type.width)  # type: ignore[attr-defined]


def estimate(graph: StreamGraph, lut_inputs: int = 6) -> Estimate:
    """Resources of a folded graph whose multipliers have been chosen."""
    lut = 0.0
    dsp = bram = 0
    memories: list[Memory] = []
    for layer in graph.layers:
        if isinstance(layer, Weighted):
            dsp += blocks(layer, layer.multipliers)
            lut += luts(layer, layer.multipliers, lut_inputs) + _LUTS_OF_WINDOW
        elif not isinstance(layer, Input):
            lut += _LUTS_OF_UNIT
        memories += layer_memories(layer)
    for edge, source, _ in graph.edges:
        memories.append(Memory(depth_of(graph, edge), source.lanes * source.type.width))
        lut += _LUTS_OF_FIFO
    for memory in memories:
        bram += block_rams(memory)
        if not memory.in_blocks and not memory.rom:
            lut += memory.depth * memory.width / _LUT_MEMORY_BITS
    return Estimate(round(lut), dsp, bram)


def shares(graph: StreamGraph, board: Board) -> dict[str, float]:
    """What a design takes of a board's LUTs, DSP blocks and block RAM, where those are known."""
    found = estimate(graph, 4 if board.yosys_family == "ecp5" else 6)
    have = {"lut": board.resources.lut, "dsp": board.resources.dsp, "bram_18k": board.resources.bram_18k}
    return {name: getattr(found, name) / number for name, number in have.items() if number}
