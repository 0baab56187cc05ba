"""What takes LUTs in a layer, counted in bits from its own numbers; the costs of a bit are fitted.

A part is what the generator writes: bits of adders, of digits of look-up table
multipliers, of address counters and so on. What is known exactly, LUTs that are
memory, is no matter of a fit (:mod:`quantunet_hls.rtl.fold.memories`).

Source
    :data:`LUT_COSTS` are least squares of relative errors against modules that Yosys
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

from dataclasses import astuple, dataclass
from functools import lru_cache
from math import lcm

import numpy as np

from quantunet_hls.ops.hardware.adders import adder_bits, adder_graph
from quantunet_hls.ops.hardware.packing import bits_for, packed_codes, product_bits
from quantunet_hls.ops.stages import Cast, LeakyRelu, Quotient, Relu, Stage
from quantunet_hls.ops.streaming import Multipliers
from quantunet_hls.ops.weighted import Weighted
from quantunet_hls.rtl.fold.memories import Memory, layout
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["LUT_COSTS", "LutParts", "adapter_parts", "buffer_parts", "cost", "fifo_parts",
           "product_parts", "products_in_luts", "result_parts", "stored_weights"]

#: Words of a ROM up to which Yosys finds that an output is one LUT.
SHALLOW_TABLE = 16


@dataclass(frozen=True)
class LutParts:
    """What takes LUTs, in bits unless said otherwise.

    Attributes:
        units: of matrix-vector, pooling and comparing units, a number: their counters and credits.
        adders: of adder trees.
        accumulators: with the choice between the bias and the sum so far.
        digits: of multiples and sums of look-up table multipliers, those of three times each activation included.
        corrections: of packed products whose lowest bit lies on another product.
        products: of products that Yosys makes of LUTs by itself: bits of the one times bits of the other.
        tables: of ROMs of up to 16 words, a number: outputs whose content differs.
        deep_tables: of deeper ones, the same for every 16 words: logic of so many inputs is not found as one table.
        rounding: of sums behind which a carry runs for rounding.
        results: that are saturated, set to zero below zero, or compared.
        buffers: of line buffers, a number: what of them has no width.
        addresses: of counters, adders and comparisons that say where line buffers are read and written.
        beats: of words that are chosen or set to zero: padding, zeros, concats, adapters.
        fifos: a number.
        levels: of FIFOs' counters.
    """

    units: float = 0
    adders: float = 0
    accumulators: float = 0
    digits: float = 0
    corrections: float = 0
    products: float = 0
    tables: float = 0
    deep_tables: float = 0
    rounding: float = 0
    results: float = 0
    buffers: float = 0
    addresses: float = 0
    beats: float = 0
    fifos: float = 0
    levels: float = 0

    def __add__(self, other: LutParts) -> LutParts:
        return LutParts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


#: LUTs that each of :class:`LutParts` takes, by family of parts; below one a bit where Yosys folds parts into each
#: other or into DSP blocks.
LUT_COSTS = dict.fromkeys(("xcup", "xcu", "xc7"), LutParts(
    units=5.8, adders=0.55, accumulators=0.47, digits=0.84, corrections=0.95, products=1.28, tables=2.0,
    deep_tables=1.15, rounding=1.66, results=1.59, buffers=28.3, addresses=0.39, beats=1.28, fifos=7.9, levels=0.64))
LUT_COSTS["ecp5"] = LutParts(
    units=1.4, adders=0, accumulators=2.53, digits=1.52, corrections=4.0, products=1.65, tables=0, deep_tables=1.6,
    rounding=1.68, results=1.16, buffers=3.3, addresses=1.1, beats=2.56, fifos=19.4, levels=0)


def cost(parts: LutParts, family: str = "xcup") -> float:
    """LUTs of some parts.

    Args:
        family: of parts: xcup, xc7 or ecp5.
    """
    return sum(number * each for number, each in zip(astuple(parts), astuple(LUT_COSTS[family]), strict=True))


def product_parts(layer: Weighted, multipliers: Multipliers, family: str = "xcup") -> LutParts:
    """Of a layer's matrix-vector unit, requantization included, whatever else it has."""
    per_output = layer.mac_units // layer.lanes
    product = product_bits(layer.weights, layer.input_type)
    tree = layer.lanes * _tree_bits(per_output, product)
    in_luts = products_in_luts(layer, multipliers)
    soft = 0
    if multipliers.kind == "adders":
        tree = adder_bits(adder_graph(layer.words[0]), layer.input_type)
    elif multipliers.kind == "dsp" and layer.narrow_products:
        soft = layer.mac_units * layer.weight_bits * layer.input_type.width
    elif multipliers.kind == "dsp" and family != "ecp5":
        # A block of AMD's has an adder behind its product.
        tree -= layer.lanes * (per_output // 2) * (product + 1)
    packed = layer.mac_units - in_luts if multipliers.kind == "packed" else 0
    outputs = layer.lanes - in_luts // per_output
    joined = (outputs - -(-outputs // multipliers.products)) * per_output if packed else 0
    tables, deep = _table_luts(layer, multipliers, family)
    return LutParts(
        units=1, adders=tree, accumulators=layer.lanes * layer.accumulator.width,
        digits=_digit_bits(layer, in_luts), corrections=(product - multipliers.spacing) * joined, products=soft,
        tables=tables, deep_tables=deep) + result_parts(layer.lanes, layer.accumulator, layer.stages)


def products_in_luts(layer: Weighted, multipliers: Multipliers) -> int:
    """Multipliers of a layer that are made of look-up tables."""
    if multipliers.kind == "lut":
        return layer.mac_units
    rest = layer.lanes % multipliers.products if multipliers.rest_in_luts else 0
    return rest * layer.mac_units // layer.lanes


def result_parts(lanes: int, source: FixedType, stages: tuple[Stage, ...]) -> LutParts:
    """Of the stages behind exact sums, as :mod:`.components.requantize` builds them."""
    rounding = results = adders = 0
    for stage in stages:
        fraction, width = source.fraction, source.width
        if isinstance(stage, LeakyRelu):
            fraction += max(stage.slope_fraction, 0)
            width += max(stage.slope_fraction, 0)
            results += width
        if isinstance(stage, Cast | Relu | LeakyRelu):
            drop = fraction - stage.type.fraction
            if drop > 0 and stage.type.rounding != "TRN":
                rounding += max(width - drop, 1) + drop // 5
            if stage.type.saturation != "WRAP" and width - drop > stage.type.width:
                results += stage.type.width + max(width - drop - stage.type.width, 0) // 5
            elif isinstance(stage, Relu):
                results += stage.type.width
        elif isinstance(stage, Quotient):
            # The magnitude before the multiplication, the sign behind it.
            rounding += source.width + stage.type.width
        else:
            adders += source.width
        source = stage.type
    return LutParts(adders=lanes * adders, rounding=lanes * rounding, results=lanes * results)


def buffer_parts(depth: int, width: int, taps: int, reach: int, loops: tuple[int, ...], image: tuple[int, int],
                 moved: int, padded: bool) -> LutParts:
    """Of a line buffer.

    Args:
        depth: words.
        width: bits of a word.
        taps: words that are read at once.
        reach: words from the first that is read to the last.
        loops: turns of each loop of the nest.
        image: height and width.
        moved: words that the base moves at most.
        padded: whether words outside the image are read as a constant.
    """
    address, held = (depth - 1).bit_length(), (depth + moved).bit_length() + 1
    offset = reach.bit_length()
    places = sum((size + 2).bit_length() + 1 for size in image) if padded else 0
    counters = sum((count - 1).bit_length() for count in loops)
    return LutParts(buffers=1, beats=padded * width * taps,
                    addresses=(3 * taps + 1) * address + (1 + taps) * held + offset + 2 * places + counters)


def adapter_parts(bits: int, lanes_in: int, lanes_out: int) -> LutParts:
    """Of what turns beats of so many lanes into others."""
    if lanes_in == lanes_out:
        return LutParts()
    common = lcm(lanes_in, lanes_out)
    return LutParts(beats=bits * common if common > lanes_out else 0, fifos=1)


def fifo_parts(depth: int) -> LutParts:
    """Of a FIFO beside its memory."""
    return LutParts(fifos=1, levels=3 * (depth - 1).bit_length() + 1)


def stored_weights(layer: Weighted, multipliers: Multipliers) -> tuple[int, int]:
    """Words of the ROM of a layer's weights, and bits of a word."""
    codes = _stored(layer, multipliers)
    return len(codes), layer.mac_units * bits_for(int(codes.min()), int(codes.max()))


def _stored(layer: Weighted, multipliers: Multipliers) -> Integers:
    """Weights as the ROM has them: (words, lanes, products of a lane)."""
    words = layer.words
    return packed_codes(words, multipliers.products) if multipliers.kind == "packed" else words


def _digit_bits(layer: Weighted, in_luts: int) -> int:
    """Two bits of a weight are a digit: its multiple, and its sum with the neighbour in the same LUTs.

    Pairs of digits take an adder more for each pair but the first.
    """
    if not in_luts:
        return 0
    digits = -(-layer.weight_bits // 2)
    digit = layer.input_type.width + 2
    triples = layer.mac_units // layer.lanes * (1 if layer.shares_inputs else layer.lanes)
    return in_luts * (digits * digit + (-(-digits // 2) - 1) * (digit + 2)) + triples * digit


def _table_luts(layer: Weighted, multipliers: Multipliers, family: str) -> tuple[int, int]:
    """Tables and deep tables, as of :class:`LutParts`, of the weights and biases that are made of logic."""
    tables = []
    codes = _stored(layer, multipliers)
    if len(codes) > 1 and multipliers.kind != "adders" and not layout(
            Memory(*stored_weights(layer, multipliers), rom=True), family).blocks:
        tables.append(codes.reshape(len(codes), -1))
    tables.append(layer.bias.reshape(-1, layer.lanes))
    shallow = deep = 0
    for table in tables:
        if len(table) > 1:
            outputs = _distinct(table, bits_for(int(table.min()), int(table.max())))
            if len(table) <= SHALLOW_TABLE:
                shallow += outputs
            else:
                deep += outputs * -(-len(table) // 16)
    return shallow, deep


def _distinct(codes: Integers, width: int) -> int:
    """Outputs of a table (words, codes) of so many bits a code that differ from each other and from constants."""
    return _distinct_columns(np.ascontiguousarray(codes, np.int64).tobytes(), codes.shape, width)


@lru_cache(maxsize=1024)
def _distinct_columns(content: bytes, shape: tuple[int, int], width: int) -> int:
    codes = np.frombuffer(content, np.int64).reshape(shape)
    bits = (codes[:, :, None] >> np.arange(width)) & 1
    columns = np.unique(np.packbits(bits.reshape(shape[0], -1).astype(bool), axis=0), axis=1)
    return int(columns.shape[1])


def _tree_bits(leaves: int, bits: int) -> int:
    total = 0
    while leaves > 1:
        bits += 1
        total += leaves // 2 * bits
        leaves -= leaves // 2
    return total

