"""Resources of a folded stream graph before it is mapped: what Yosys is likely to make of it, in milliseconds.

DSP blocks are counted as they will be instantiated, memories laid out as Yosys does
(:mod:`quantunet_hls.targets.memories`), LUTs summed over the parts of each layer
(:mod:`quantunet_hls.ops.cost`, which says where their costs come from).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace

from quantunet_hls.boards import Board
from quantunet_hls.ops.cost import NOTHING, Content, adapter_content, fifo_content, layer_cost
from quantunet_hls.ops.feed import FIFO_BEATS, MEMORY_BITS
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.rtl.generate.design import depth_of
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory, layout

__all__ = ["Estimate", "contents", "cost", "estimate", "estimated", "estimates", "memory_parts", "module_content",
           "shares", "stream_content"]


@dataclass(frozen=True)
class Estimate:
    """Resources in the units of the board catalogue.

    Attributes:
        lut, dsp, bram_18k: as there.
        rom_18k: of the memory blocks those that hold constants.
        uram: UltraRAM blocks that are asked for; block RAM may go there beside.
    """

    lut: int
    dsp: int
    bram_18k: int
    rom_18k: int
    uram: int


#: LUTs of what takes in a file of weights, in the top, and of what fills a layer's memories. Yosys mapped 459 and 31 to
#: 86, the latter with the memory of biases, of the zoo's w4a6 network (``benchmarks/loaded_weights.py``, UltraScale+).
_INTAKE_LUTS, _LOADER_LUTS = 460, 40

_FIELDS = tuple(each.name for each in fields(Estimate))


def cost(parts: LutParts, family: Family) -> float:
    """LUTs of some parts."""
    return sum(number * each for number, each in zip(astuple(parts), astuple(family.lut_costs), strict=True))


def contents(graph: StreamGraph, family: Family) -> dict[str, Content]:
    """What the module of each layer has, by layer name, and the top with its FIFOs and forks as ``top``."""
    found = {layer.name: module_content(layer, graph.sources_of(layer), family) for layer in graph.inner}
    return found | {"top": stream_content(graph)}


def stream_content(graph: StreamGraph) -> Content:
    """What the streams between the layers have, and so the top module: its FIFOs, those of weights too."""
    return sum((fifo_content(depth_of(graph, edge), source.lanes * source.type.width)
                for edge, source, _ in graph.edges), NOTHING) + fifo_content(FIFO_BEATS, MEMORY_BITS).times(
                    len(graph.feeding))


def module_content(layer: StreamLayer, sources: Sequence[StreamLayer], family: Family) -> Content:
    """What the module of a layer has, with the adapters of the streams that it reads.

    Args:
        sources: the layers of those streams.
    """
    content = layer_cost(layer).content(layer, family)
    for place, source in enumerate(sources):
        content += adapter_content(source.type.width, source.lanes, layer.lanes_from(place))
    return content


def estimates(graph: StreamGraph, family: Family) -> dict[str, Estimate]:
    """Resources of each module of :func:`contents`; the graph is folded and its multipliers are chosen."""
    loading = dict.fromkeys((layer.name for layer in graph.loading), _LOADER_LUTS)
    loading |= {"top": _INTAKE_LUTS} if loading else {}
    found = {name: estimated(content, family) for name, content in contents(graph, family).items()}
    return {name: replace(module, lut=module.lut + loading.get(name, 0)) for name, module in found.items()}


def estimate(graph: StreamGraph, family: Family) -> Estimate:
    """Resources of a folded graph whose multipliers have been chosen."""
    modules = estimates(graph, family).values()
    return Estimate(*(sum(getattr(module, name) for module in modules) for name in _FIELDS))


def shares(graph: StreamGraph, board: Board) -> dict[str, float]:
    """What a design takes of a board's LUTs, DSP blocks, block RAM and UltraRAM, where those are known."""
    found = estimate(graph, board.part_family)
    have = {"lut": board.resources.lut, "dsp": board.resources.dsp, "bram_18k": board.resources.bram_18k}
    if found.uram:
        have["uram"] = board.resources.uram
    return {name: getattr(found, name) / number for name, number in have.items() if number}


def estimated(content: Content, family: Family) -> Estimate:
    """Resources of what a module has."""
    layouts = [layout(memory, family) for memory in content.memories]
    roms = sum(made.blocks for made, memory in zip(layouts, content.memories, strict=True) if memory.rom)
    beside = sum((memory_parts(memory, family) for memory in content.memories), LutParts())
    return Estimate(round(cost(content.parts + beside, family) + sum(made.cells for made in layouts)), content.dsp,
                    sum(made.blocks for made in layouts), roms, sum(made.ultra for made in layouts))


def memory_parts(memory: Memory, family: Family) -> LutParts:
    """Of what stands beside a memory's cells: the choice among copies, and what a block can't do."""
    made = layout(memory, family)
    chosen = family.memories.choosers(made.copies) * memory.width if made.copies > 1 else 0
    if family.memories.remembers and made.blocks and not memory.rom:
        return LutParts(beats=chosen + memory.width, addresses=(memory.depth - 1).bit_length())
    return LutParts(beats=chosen)
