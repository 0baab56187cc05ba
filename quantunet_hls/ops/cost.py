"""What takes LUTs in a layer, counted in bits from its own numbers; the costs of a bit are fitted.

A part is what the generator writes: bits of adders, of digits of look-up table
multipliers, of address counters and so on. What is known exactly, LUTs that are
memory, is no matter of a fit (:mod:`quantunet_hls.targets.memories`).

Here is the form of the facet ``cost``, and what the operators' have in common.

Source
    The costs that families have are least squares of relative errors against modules that Yosys
    0.70 mapped, not below zero, pulled to about a LUT a bit where modules don't tell
    two parts apart. UltraScale+ (xcup): the 28 modules of the zoo's w4a6 network on the
    KV260, the 27 units of ``benchmarks/mac_arrays.py`` without those of constants, and
    21 of the random networks 100 and 103. ECP5: the 20 modules of the ULX3S's
    demonstration, 16 of the random networks 103 and 106, and 11 of the test graph with
    every kind of layer. ``benchmarks/estimates.py --fit`` maps all but those of the test
    and fits again.
Fitted range
    Weights of 2 to 8 bits, activations of 2 to 8, 1 to 64 multipliers a layer, images
    up to 128 x 128, ReLU, leaky ReLU and saturation, weights in tables of up to 72 words
    or in blocks. LUTs of other families of AMD's cost as those of UltraScale+.
Error
    On designs that were not fitted, of the 7-series too: ``benchmarks/estimates.py``,
    README.md. By module the median is 2 to 7 % (UltraScale+) and 3 to 9 % (ECP5) of what
    was fitted, the worst 24 % and 21 %; ``tests/rtl/fold/test_estimate.py`` holds designs to 15 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import lcm
from typing import Generic, TypeVar

import numpy as np

from quantunet_hls.ops.multipliers import Multipliers
from quantunet_hls.ops.packing import NARROWEST_BLOCK_PRODUCT
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.streaming import SHALLOW_FIFO, StreamLayer
from quantunet_hls.ops.table import facet, stage_facet
from quantunet_hls.ops.weighted import Weighted
from quantunet_hls.ops.windowed import Windowed
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory
from quantunet_hls.types.fixed import FixedType, Integers, bits_for

__all__ = ["NOTHING", "Content", "LayerCost", "ProductCost", "StageCost", "adapter_content",
           "buffer_content", "cast_parts", "constant_product_blocks", "each_lane", "fifo_content", "layer_cost",
           "product_blocks", "product_cost", "rom_luts", "stage_registers", "staged_content", "windows_content"]

L = TypeVar("L", bound=StreamLayer)
W = TypeVar("W", bound=Weighted)
S = TypeVar("S", bound=Stage)


@dataclass(frozen=True)
class Content:
    """What hardware has: parts of logic, memories and DSP blocks.

    Attributes:
        instead: what takes the place of the blocks where a layer has none; of products with constants nothing is
            counted.
    """

    parts: LutParts
    memories: tuple[Memory, ...] = ()
    dsp: int = 0
    instead: LutParts = field(default_factory=LutParts)

    def __add__(self, other: Content) -> Content:
        return Content(self.parts + other.parts, self.memories + other.memories, self.dsp + other.dsp,
                       self.instead + other.instead)

    def times(self, number: int) -> Content:
        """The same so many times."""
        return Content(self.parts.times(number), self.memories * number, self.dsp * number,
                       self.instead.times(number))

    def without_blocks(self) -> Content:
        """The same where multipliers are made of LUTs."""
        return Content(self.parts + self.instead, self.memories)


#: Words of a table of which one LUT of six inputs holds a bit.
_LUT_WORDS = 64

#: No hardware at all.
NOTHING = Content(LutParts())


@dataclass(frozen=True)
class LayerCost(Generic[L]):
    """The cost of layers of a kind.

    Attributes:
        content: of a layer, without the adapters of the streams that it reads.
    """

    content: Callable[[L, Family], Content]


@dataclass(frozen=True)
class ProductCost(LayerCost[W]):
    """The cost of layers with weights, whatever they multiply with.

    Attributes:
        parts: of a layer's products and stages with such multipliers.
        blocks: multiplier blocks of these.
    """

    parts: Callable[[W, Multipliers, Family], LutParts]
    blocks: Callable[[W, Multipliers, Family], int]


@dataclass(frozen=True)
class StageCost(Generic[S]):
    """The cost of a stage.

    Attributes:
        content: of a stage for so many lanes, given the type of what it gets.
    """

    content: Callable[[S, int, FixedType, Family], Content]


def layer_cost(layer: L) -> LayerCost[L]:
    """What says a layer's cost."""
    found: LayerCost[L] = facet(layer.room, "cost", LayerCost)
    return found


def product_cost(layer: W) -> ProductCost[W]:
    """What says the cost of a layer's products."""
    found: ProductCost[W] = facet(layer.room, "cost", ProductCost)
    return found


def staged_content(lanes: int, source: FixedType, stages: Sequence[Stage], family: Family) -> Content:
    """Of the stages behind exact sums of a type."""
    content = NOTHING
    for stage in stages:
        content, source = content + _stage_content(stage, lanes, source, family), stage.type
    return content


@lru_cache(maxsize=1024)
def _stage_content(stage: Stage, lanes: int, source: FixedType, family: Family) -> Content:
    """Kept: who chooses multipliers asks for the same stage again and again, and it may have thousands of numbers."""
    found: StageCost[Stage] = stage_facet(stage.kind, "cost", StageCost)
    return found.content(stage, lanes, source, family)


def each_lane(content: Callable[[S, FixedType, Family], Content]) -> StageCost[S]:
    """The cost of a stage all of whose lanes are alike, from that of one of them."""
    return StageCost(lambda stage, lanes, source, family: content(stage, source, family).times(lanes))


def stage_registers(stages: Sequence[Stage]) -> int:
    """Registers one behind the other, about."""
    return 2 * len(stages)


def cast_parts(width: int, fraction: int, target: FixedType, *, zeroed: bool = False) -> LutParts:
    """Of a cast of a value of so many bits, as :func:`quantunet_hls.ops.hardware.requantize.cast_lanes` builds it.

    Args:
        zeroed: whether zero comes out where the value is negative.
    """
    rounding = results = 0
    drop = fraction - target.fraction
    if drop > 0 and target.rounding != "TRN":
        rounding = max(width - drop, 1) + drop // 5
    if target.saturation != "WRAP" and width - drop > target.width:
        results = target.width + max(width - drop - target.width, 0) // 5
    elif zeroed:
        results = target.width
    return LutParts(rounding=rounding, results=results)


def constant_product_blocks(factor: int, width: int, family: Family) -> int:
    """Multiplier blocks of a value of so many bits times a constant."""
    return 0 if not factor & (factor - 1) else product_blocks(width, factor.bit_length() + 1, family)


def product_blocks(one: int, other: int, family: Family) -> int:
    """Multiplier blocks of a product of two numbers of so many bits."""
    if one + other - 1 < NARROWEST_BLOCK_PRODUCT:
        return 0
    wide, narrow = family.multiplier.operands
    long, short = max(one, other), min(one, other)
    return -(-(long - 1) // (wide - 1)) * -(-(short - 1) // (narrow - 1))


def rom_luts(*tables: Integers) -> int:
    """LUTs of tables in logic that are looked up at one place, each a number a word.

    One for each bit of 64 words that it is no constant of, and of which no other is the same or its complement. Pairs
    are joined by multiplexers that are no LUTs; of more than two, three are joined with another by a LUT.
    """
    words, blocks = len(tables[0]), -(-len(tables[0]) // _LUT_WORDS)
    bits = [(table >> np.arange(bits_for(int(table.min()), int(table.max())))[:, None] & 1).astype(bool)
            for table in tables]
    columns = np.concatenate(bits)
    columns = np.unique(columns ^ columns[:, :1], axis=0)
    columns = columns[columns.any(axis=1)]
    told = np.pad(columns, ((0, 0), (0, blocks * _LUT_WORDS - words)), mode="edge").reshape(-1, blocks, _LUT_WORDS)
    varying = int(np.sum(told.min(axis=2) < told.max(axis=2)))
    return varying + len(columns) * (-(-(blocks - 1) // 3) if blocks > 2 else 0)


def windows_content(layer: Windowed) -> Content:
    """Of the line buffers before a unit, one a tap that is read at once."""
    if not layer.buffered:
        return NOTHING
    window, shape, (rows, columns) = layer.window, layer.input_shape, layer.beat_taps
    words = shape.channels // layer.input_lanes
    word = layer.input_lanes * layer.input_type.width
    height, width = window.output(shape)
    pixels = layer.reach + layer.spare
    inner = (window.kernel[1],) if rows > 1 else (words // layer.parts, *window.kernel)
    found = buffer_content(
        Memory(pixels * words, word), rows, (pixels - layer.spare) * words,
        (*inner, 1 if columns > 1 else layer.repeats, layer.parts, width if columns == 1 else shape.width, height),
        (shape.height, shape.width), shape.width * words * window.stride[0], padded=any(window.padding))
    if columns > 1:
        span = window.span[1]
        spare = window.across.jump(Shape(height, shape.width, 1)) + 1
        found += buffer_content(Memory(span + spare, rows * word), columns, span, (layer.repeats, width, height),
                                (height, shape.width), shape.width, padded=any(window.padding[2:]))
    return found


def buffer_content(memory: Memory, taps: int, reach: int, loops: tuple[int, ...], image: tuple[int, int], moved: int,
                   *, padded: bool) -> Content:
    """Of a line buffer.

    Args:
        memory: of one tap.
        taps: words that are read at once.
        reach: words from the first that is read to the last.
        loops: turns of each loop of the nest.
        image: height and width.
        moved: words that the base moves at most.
        padded: whether words outside the image are read as a constant.
    """
    address, held = (memory.depth - 1).bit_length(), (memory.depth + moved).bit_length() + 1
    offset = reach.bit_length()
    places = sum((size + 2).bit_length() + 1 for size in image) if padded else 0
    counters = sum((count - 1).bit_length() for count in loops)
    parts = LutParts(buffers=1, beats=padded * memory.width * taps,
                     addresses=(3 * taps + 1) * address + (1 + taps) * held + offset + 2 * places + counters)
    return Content(parts, (memory,) * taps)


def adapter_content(bits: int, lanes_in: int, lanes_out: int) -> Content:
    """Of what turns beats of so many lanes into others."""
    if lanes_in == lanes_out:
        return NOTHING
    common = lcm(lanes_in, lanes_out)
    return Content(LutParts(beats=bits * common if common > lanes_out else 0, fifos=1))


def fifo_content(depth: int, width: int) -> Content:
    """Of a FIFO."""
    shallow = depth <= SHALLOW_FIFO
    return Content(LutParts(fifos=1, levels=3 * (depth - 1).bit_length() + 1),
                   (Memory(depth if shallow else depth - 1, width, registered=not shallow),))
