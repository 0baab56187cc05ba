"""What convolutions cost: products of every kind, weights and biases in ROM or in logic, stages, line buffers."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from quantunet_hls.ops.cost import (
    NOTHING,
    Content,
    ProductCost,
    buffer_content,
    fifo_content,
    stage_registers,
    staged_content,
    windows_content,
)
from quantunet_hls.ops.feed import CHECKSUM_BITS, MEMORY_BITS
from quantunet_hls.ops.hardware.adder_graph import adder_bits, adder_graph
from quantunet_hls.ops.multipliers import Multipliers
from quantunet_hls.ops.packing import product_bits, stored_codes
from quantunet_hls.ops.weighted import Weighted
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.targets.memories import Memory, layout
from quantunet_hls.types.fixed import Integers, bits_for

__all__ = ["FACET"]

#: Of what checks a beat from external memory: bits of its words' sum and of the CRC, a LUT each, about.
_CHECK_BITS = MEMORY_BITS + 2 * CHECKSUM_BITS

#: Words of a ROM up to which Yosys finds that an output is one LUT.
SHALLOW_TABLE = 16


def _content(layer: Weighted, family: Family) -> Content:
    multipliers, width = layer.multipliers, layer.lanes * layer.type.width
    weights, biases = layer.weight_memory, layer.bias_memory
    memories = tuple(memory for memory in (weights, biases) if memory)
    stages = _stages(layer, multipliers, family)
    registers = 5 + (layer.products_each - 1).bit_length() + stage_registers(layer.stages)
    products = Content(_products(layer, multipliers, family), memories, _product_blocks(layer, multipliers))
    return (products + stages + _feed(layer)
            + windows_content(layer) + fifo_content(-(-(registers + 1) // layer.window_beats) + 2, width))


def _feed(layer: Weighted) -> Content:
    """Of what checks and holds weights from external memory, and puts results back in order."""
    if layer.feed_memory is None:
        return NOTHING
    group, turns = layer.window_beats, layer.block_pixels
    found = Content(LutParts(adders=_CHECK_BITS)) + buffer_content(
        layer.feed_memory, 1, group, (group, turns), (1, 1), group, padded=False)
    if layer.block_rows is None:
        return found
    block = layer.repeats * turns
    return found + buffer_content(Memory(2 * block, layer.lanes * layer.type.width), 1, block, (layer.repeats, turns),
                                  (1, 1), block, padded=False)


def _parts(layer: Weighted, multipliers: Multipliers, family: Family) -> LutParts:
    return _products(layer, multipliers, family) + _stages(layer, multipliers, family).parts


def _blocks(layer: Weighted, multipliers: Multipliers, family: Family) -> int:
    return _product_blocks(layer, multipliers) + _stages(layer, multipliers, family).dsp


def _stages(layer: Weighted, multipliers: Multipliers, family: Family) -> Content:
    content = staged_content(layer.lanes, layer.accumulator, layer.stages, family)
    # Such a layer is mapped without multiplier blocks.
    return content.without_blocks() if multipliers.kind in ("lut", "adders") else content


def _product_blocks(layer: Weighted, multipliers: Multipliers) -> int:
    if multipliers.kind in ("lut", "adders") or (multipliers.kind == "dsp" and layer.narrow_products):
        return 0
    groups, rest = divmod(layer.lanes, multipliers.products)
    return (groups + (rest > 0 and not multipliers.rest_in_luts)) * layer.products_each


FACET = ProductCost(_content, _parts, _blocks)


def _products(layer: Weighted, multipliers: Multipliers, family: Family) -> LutParts:
    """Of a layer's products, their sums, and the weights and biases that are made of logic."""
    per_output = layer.products_each
    product = product_bits(layer.weight_ends, layer.input_type)
    tree = layer.lanes * _tree_bits(per_output, product)
    in_luts = _products_in_luts(layer, multipliers)
    soft = 0
    if multipliers.kind == "adders":
        tree = adder_bits(adder_graph(layer.words[0]), layer.input_type)
    elif multipliers.kind == "dsp" and layer.narrow_products:
        soft = layer.mac_units * layer.weight_bits * layer.input_type.width
    elif multipliers.kind == "dsp" and family.multiplier.adder:
        tree -= layer.lanes * (per_output // 2) * (product + 1)
    packed = layer.mac_units - in_luts if multipliers.kind == "packed" else 0
    outputs = layer.lanes - in_luts // per_output
    joined = (outputs - -(-outputs // multipliers.products)) * per_output if packed else 0
    tables, deep = _table_luts(layer, multipliers, family)
    return LutParts(
        units=1, adders=tree, accumulators=layer.lanes * layer.accumulator.width,
        digits=_digit_bits(layer, in_luts), corrections=(product - multipliers.spacing) * joined, products=soft,
        tables=tables, deep_tables=deep)


def _products_in_luts(layer: Weighted, multipliers: Multipliers) -> int:
    """Multipliers of a layer that are made of look-up tables."""
    if multipliers.kind == "lut":
        return layer.mac_units
    rest = layer.lanes % multipliers.products if multipliers.rest_in_luts else 0
    return rest * layer.products_each


def _digit_bits(layer: Weighted, in_luts: int) -> int:
    """Two bits of a weight are a digit: its multiple, and its sum with the neighbour in the same LUTs.

    Pairs of digits take an adder more for each pair but the first.
    """
    if not in_luts:
        return 0
    digits = -(-layer.weight_bits // 2)
    digit = layer.input_type.width + 2
    triples = layer.products_each * (layer.lanes // layer.sharing)
    return in_luts * (digits * digit + (-(-digits // 2) - 1) * (digit + 2)) + triples * digit


def _table_luts(layer: Weighted, multipliers: Multipliers, family: Family) -> tuple[int, int]:
    """Tables and deep tables, as of :class:`LutParts`, of the weights and biases that are made of logic."""
    if layer.loaded:
        return 0, 0
    tables = []
    rom = replace(layer, multipliers=multipliers).weight_memory
    if rom and not layout(rom, family).blocks:
        tables.append(stored_codes(layer.words, multipliers).reshape(rom.depth, -1))
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
