"""What takes LUTs in a layer, counted in bits from its own numbers; the costs of a bit are fitted.

A part is what the generator writes: bits of adders, of digits of look-up table
multipliers, of address counters and so on. What is known exactly, LUTs that are
memory, is no matter of a fit (:mod:`quantunet_hls.targets.memories`).

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

from dataclasses import astuple
from functools import lru_cache
from math import lcm

import numpy as np

from quantunet_hls.ops.hardware.adders import adder_bits, adder_graph
from quantunet_hls.ops.hardware.matvec import depthwise_words, matrix_words
from quantunet_hls.ops.hardware.packing import bits_for, packed_codes, product_bits
from quantunet_hls.ops.streaming import Cast, Convolution, LeakyRelu, Multipliers, Quotient, Relu, Step, Weighted
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory, layout
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["NARROWEST_BLOCK_PRODUCT", "adapter_parts", "buffer_parts", "cost", "fifo_parts",
           "narrow_products", "product_parts", "products_in_luts", "result_parts", "stored_weights"]

#: Yosys makes products of fewer bits in LUTs, one by one and dearly, whatever is asked for.
NARROWEST_BLOCK_PRODUCT = 9

#: Words of a ROM up to which Yosys finds that an output is one LUT.
SHALLOW_TABLE = 16


def cost(parts: LutParts, family: Family) -> float:
    """LUTs of some parts."""
    return sum(number * each for number, each in zip(astuple(parts), astuple(family.lut_costs), strict=True))


def product_parts(layer: Weighted, multipliers: Multipliers, family: Family) -> LutParts:
    """Of a layer's matrix-vector unit, requantization included, whatever else it has."""
    per_output = layer.mac_units // layer.lanes
    product = product_bits(layer.weights, layer.input_type)
    tree = layer.lanes * _tree_bits(per_output, product)
    in_luts = products_in_luts(layer, multipliers)
    soft = 0
    if multipliers.kind == "adders":
        tree = adder_bits(adder_graph(_words(layer)[0]), layer.input_type)
    elif multipliers.kind == "dsp" and narrow_products(layer):
        soft = layer.mac_units * _weight_bits(layer) * layer.input_type.width
    elif multipliers.kind == "dsp" and family.multiplier.adder:
        tree -= layer.lanes * (per_output // 2) * (product + 1)
    packed = layer.mac_units - in_luts if multipliers.kind == "packed" else 0
    outputs = layer.lanes - in_luts // per_output
    joined = (outputs - -(-outputs // multipliers.products)) * per_output if packed else 0
    tables, deep = _table_luts(layer, multipliers, family)
    return LutParts(
        units=1, adders=tree, accumulators=layer.lanes * layer.accumulator.width,
        digits=_digit_bits(layer, in_luts), corrections=(product - multipliers.spacing) * joined, products=soft,
        tables=tables, deep_tables=deep) + result_parts(layer.lanes, layer.accumulator, layer.steps)


def narrow_products(layer: Weighted) -> bool:
    """Whether Yosys makes a layer's products in LUTs where they are not packed: by bits of operands, not by values."""
    return _weight_bits(layer) + layer.input_type.width < NARROWEST_BLOCK_PRODUCT


def products_in_luts(layer: Weighted, multipliers: Multipliers) -> int:
    """Multipliers of a layer that are made of look-up tables."""
    if multipliers.kind == "lut":
        return layer.mac_units
    rest = layer.lanes % multipliers.products if multipliers.rest_in_luts else 0
    return rest * layer.mac_units // layer.lanes


def result_parts(lanes: int, source: FixedType, steps: tuple[Step, ...]) -> LutParts:
    """Of the steps behind exact sums, as :mod:`.components.requantize` builds them."""
    rounding = results = adders = 0
    for step in steps:
        fraction, width = source.fraction, source.width
        if isinstance(step, LeakyRelu):
            fraction += max(step.slope_fraction, 0)
            width += max(step.slope_fraction, 0)
            results += width
        if isinstance(step, Cast | Relu | LeakyRelu):
            drop = fraction - step.type.fraction
            if drop > 0 and step.type.rounding != "TRN":
                rounding += max(width - drop, 1) + drop // 5
            if step.type.saturation != "WRAP" and width - drop > step.type.width:
                results += step.type.width + max(width - drop - step.type.width, 0) // 5
            elif isinstance(step, Relu):
                results += step.type.width
        elif isinstance(step, Quotient):
            # The magnitude before the multiplication, the sign behind it.
            rounding += source.width + step.type.width
        else:
            adders += source.width
        source = step.type
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
    words = _words(layer)
    return packed_codes(words, multipliers.products) if multipliers.kind == "packed" else words


def _weight_bits(layer: Weighted) -> int:
    return bits_for(int(layer.weights.min()), int(layer.weights.max()))


def _words(layer: Weighted) -> Integers:
    if isinstance(layer, Convolution):
        return matrix_words(layer.weights, layer.lanes, layer.simd)
    return depthwise_words(layer.weights, layer.lanes)


def _digit_bits(layer: Weighted, in_luts: int) -> int:
    """Two bits of a weight are a digit: its multiple, and its sum with the neighbour in the same LUTs.

    Pairs of digits take an adder more for each pair but the first.
    """
    if not in_luts:
        return 0
    digits = -(-_weight_bits(layer) // 2)
    digit = layer.input_type.width + 2
    triples = layer.mac_units // layer.lanes * (1 if isinstance(layer, Convolution) else layer.lanes)
    return in_luts * (digits * digit + (-(-digits // 2) - 1) * (digit + 2)) + triples * digit


def _table_luts(layer: Weighted, multipliers: Multipliers, family: Family) -> tuple[int, int]:
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

