"""Resources of a folded stream graph before it is mapped: what Yosys is likely to make of it, in milliseconds.

DSP blocks are counted as they will be instantiated, memories laid out as Yosys does
(:mod:`quantunet_hls.targets.memories`), LUTs summed over the parts of each layer
(:mod:`quantunet_hls.rtl.fold.lut_costs`, which says where their costs come from).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quantunet_hls.boards import Board
from quantunet_hls.ops.hardware.streams import SHALLOW_FIFO
from quantunet_hls.ops.streaming import (
    ArgMax,
    Concat,
    Convolution,
    Depthwise,
    Layer,
    Pointwise,
    Pooling,
    Sigmoid,
    Step,
    StreamGraph,
    Upsample,
    Weighted,
    Window,
    ZeroInsertion,
)
from quantunet_hls.rtl.fold.lut_costs import (
    adapter_parts,
    buffer_parts,
    cost,
    fifo_parts,
    product_parts,
    result_parts,
    stored_weights,
)
from quantunet_hls.rtl.fold.multipliers import blocks, step_blocks
from quantunet_hls.rtl.generate.design import depth_of
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory, layout

__all__ = ["Content", "Estimate", "contents", "estimate", "estimated", "estimates", "memory_parts", "module_content",
           "shares", "stream_content"]


@dataclass(frozen=True)
class Estimate:
    """Resources in the units of the board catalogue."""

    lut: int
    dsp: int
    bram_18k: int


@dataclass(frozen=True)
class Content:
    """What a module has: parts of logic, memories and DSP blocks."""

    parts: LutParts
    memories: tuple[Memory, ...] = ()
    dsp: int = 0

    def __add__(self, other: Content) -> Content:
        return Content(self.parts + other.parts, self.memories + other.memories, self.dsp + other.dsp)


_NOTHING = Content(LutParts())


def contents(graph: StreamGraph, family: Family) -> dict[str, Content]:
    """What the module of each layer has, by layer name, and the top with its FIFOs and forks as ``top``."""
    by_name = {layer.name: layer for layer in graph.layers}
    found = {layer.name: module_content(layer, [by_name[name] for name in layer.sources], family)
             for layer in graph.layers[1:]}
    return found | {"top": stream_content(graph)}


def stream_content(graph: StreamGraph) -> Content:
    """What the streams between the layers have, and so the top module: its FIFOs."""
    return sum((_of_fifo(depth_of(graph, edge), source.lanes * source.type.width) for edge, source, _ in graph.edges),
               _NOTHING)


def module_content(layer: Layer, sources: Sequence[Layer], family: Family) -> Content:
    """What the module of a layer has, with the adapters of the streams that it reads.

    Args:
        sources: the layers of those streams.
    """
    content = _of_layer(layer, family)
    for source in sources:
        content += Content(adapter_parts(source.type.width, source.lanes, layer.input_lanes))
    return content


def estimates(graph: StreamGraph, family: Family) -> dict[str, Estimate]:
    """Resources of each module of :func:`contents`; the graph is folded and its multipliers are chosen."""
    return {name: estimated(content, family) for name, content in contents(graph, family).items()}


def estimate(graph: StreamGraph, family: Family) -> Estimate:
    """Resources of a folded graph whose multipliers have been chosen."""
    modules = estimates(graph, family).values()
    return Estimate(*(sum(getattr(module, name) for module in modules) for name in ("lut", "dsp", "bram_18k")))


def shares(graph: StreamGraph, board: Board) -> dict[str, float]:
    """What a design takes of a board's LUTs, DSP blocks and block RAM, where those are known."""
    found = estimate(graph, board.part_family)
    have = {"lut": board.resources.lut, "dsp": board.resources.dsp, "bram_18k": board.resources.bram_18k}
    return {name: getattr(found, name) / number for name, number in have.items() if number}


def estimated(content: Content, family: Family) -> Estimate:
    """Resources of what a module has."""
    layouts = [layout(memory, family) for memory in content.memories]
    beside = sum((memory_parts(memory, family) for memory in content.memories), LutParts())
    return Estimate(round(cost(content.parts + beside, family) + sum(made.cells for made in layouts)), content.dsp,
                    sum(made.blocks for made in layouts))


def memory_parts(memory: Memory, family: Family) -> LutParts:
    """Of what stands beside a memory's cells: the choice among copies, and what a block can't do."""
    made = layout(memory, family)
    chosen = family.memories.choosers(made.copies) * memory.width if made.copies > 1 else 0
    if family.memories.remembers and made.blocks and not memory.rom:
        return LutParts(beats=chosen + memory.width, addresses=(memory.depth - 1).bit_length())
    return LutParts(beats=chosen)


def _of_layer(layer: Layer, family: Family) -> Content:
    if isinstance(layer, Weighted):
        return _of_weighted(layer, family)
    if isinstance(layer, Pooling):
        return _windows(layer, 1) + _of_pooling(layer, family)
    if isinstance(layer, Upsample):
        shape, words = layer.input_shape, layer.shape.channels // layer.lanes
        row = shape.width * words
        return _buffer(Memory(2 * row, layer.lanes * layer.type.width), 1, row, (
            words, layer.factor[1], shape.width, layer.factor[0], shape.height), (shape.height, shape.width), row,
            padded=False)
    if isinstance(layer, ZeroInsertion):
        counters = sum((size - 1).bit_length() for size in (layer.shape.width, layer.shape.height,
                                                            layer.shape.channels // layer.lanes, *layer.factor))
        return Content(LutParts(addresses=2 * counters, beats=layer.lanes * layer.type.width))
    if isinstance(layer, ArgMax):
        index = (layer.input_shape.channels - 1).bit_length()
        compared = layer.simd * (2 * layer.input_type.width + index)
        return Content(LutParts(units=1, results=compared)) + _of_fifo(3, layer.type.width)
    if isinstance(layer, Concat):
        return Content(LutParts(addresses=2 * (sum(layer.channels) // layer.lanes - 1).bit_length(),
                                beats=layer.lanes * layer.type.width))
    if isinstance(layer, Pointwise):
        return Content(LutParts(units=1) + result_parts(layer.lanes, layer.input_type, layer.steps),
                       _tables(layer.lanes, layer.steps), step_blocks(layer, family)) + _of_fifo(
            2 + _step_stages(layer.steps), layer.lanes * layer.type.width)
    return _NOTHING


def _of_weighted(layer: Weighted, family: Family) -> Content:
    words, width = stored_weights(layer, layer.multipliers)
    memories = (Memory(words, width, rom=True),) if words > 1 and layer.multipliers.kind != "adders" else ()
    content = Content(product_parts(layer, layer.multipliers, family), (*memories, *_tables(layer.lanes, layer.steps)),
                      blocks(layer, layer.multipliers) + step_blocks(layer, family))
    fold, repeats = (layer.synapse_fold, layer.neuron_fold) if isinstance(layer, Convolution) else (
        layer.window.taps, 1)
    stages = 5 + (layer.mac_units // layer.lanes - 1).bit_length() + _step_stages(layer.steps)
    return content + _windows(layer, repeats) + _of_fifo(
        -(-(stages + 1) // fold) + 2, layer.lanes * layer.type.width)


def _of_pooling(layer: Pooling, family: Family) -> Content:
    width = layer.accumulator.width
    parts = LutParts(units=1, results=layer.lanes * width * 2) if layer.operation == "max" else LutParts(
        units=1, accumulators=layer.lanes * width)
    stages = 2 + _step_stages(layer.steps)
    return Content(parts + result_parts(layer.lanes, layer.accumulator, layer.steps), dsp=step_blocks(layer, family)
                   ) + _of_fifo(-(-(stages + 1) // layer.window.taps) + 2, layer.lanes * layer.type.width)


def _windows(layer: Convolution | Depthwise | Pooling | Weighted, repeats: int) -> Content:
    """Of the line buffers before a unit, one a tap that is read at once."""
    window, shape = layer.window, layer.input_shape
    if window == Window((1, 1)) and repeats == 1:
        return _NOTHING
    rows, columns = layer.beat_taps if isinstance(layer, Convolution) else (1, 1)
    words = shape.channels // layer.input_lanes
    word = layer.input_lanes * layer.input_type.width
    height, width = window.output(shape)
    pixels = window.reach(shape.width) + layer.slack
    inner = (window.kernel[1],) if rows > 1 else (words, *window.kernel)
    found = _buffer(Memory(pixels * words, word), rows, (pixels - layer.slack) * words,
                    (*inner, 1 if columns > 1 else repeats, width if columns == 1 else shape.width, height),
                    (shape.height, shape.width), shape.width * words * window.stride[0], padded=any(window.padding))
    if columns > 1:
        span = window.span[1]
        found += _buffer(Memory(span + 2, rows * word), columns, span, (repeats, width, height),
                         (height, shape.width), shape.width, padded=any(window.padding[2:]))
    return found


def _buffer(memory: Memory, taps: int, reach: int, loops: tuple[int, ...], image: tuple[int, int], moved: int, *,
            padded: bool) -> Content:
    return Content(buffer_parts(memory.depth, memory.width, taps, reach, loops, image, moved, padded), (memory,) * taps)


def _of_fifo(depth: int, width: int) -> Content:
    shallow = depth <= SHALLOW_FIFO
    return Content(fifo_parts(depth), (Memory(depth if shallow else depth - 1, width, registered=not shallow),))


def _tables(lanes: int, steps: tuple[Step, ...]) -> tuple[Memory, ...]:
    return tuple(Memory(len(step.table), step.type.width, rom=True) for step in steps if isinstance(step, Sigmoid)
                 for _ in range(lanes))


def _step_stages(steps: tuple[Step, ...]) -> int:
    """Registers one behind the other, about."""
    return 2 * len(steps)
