"""What each layer multiplies with: all layers the same, or each what suits the board's balance.

The cost model counts what a layer is made of: bits of adders, bits of digits of
look-up table multipliers, bits of weights in look-up tables, bits of results.
:data:`LUT_COSTS` says how many LUTs each takes; for LUTs of six inputs the numbers
are least squares fits of what Yosys 0.70 maps for the units of
``benchmarks/mac_arrays.py`` (4x4, 4x6 and 8x8 bits, 16 to 64 multipliers;
``reports/reference/mac_arrays_xcup.json``), for those of four inputs they are rough
guesses. DSP blocks are counted exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace

import numpy as np

from quantunet_hls.boards import Board
from quantunet_hls.errors import BoardError, ConfigurationError
from quantunet_hls.rtl.components.adders import adder_bits, adder_graph
from quantunet_hls.rtl.components.matvec import matrix_words
from quantunet_hls.rtl.components.multipliers import lut_stages
from quantunet_hls.rtl.components.packing import (
    MOST_PRODUCTS,
    MULTIPLIER_OPERANDS,
    bits_for,
    packing,
    product_bits,
)
from quantunet_hls.rtl.components.rom import in_block_rom
from quantunet_hls.rtl.graph import BLOCKS, Convolution, Input, Multipliers, StreamGraph, Weighted

__all__ = ["KINDS", "LutParts", "blocks", "candidates", "choose_multipliers", "in_fabric", "luts", "multiplying",
           "with_multipliers"]

#: What can be asked for, for all layers of a design.
KINDS = ("auto", "dsp", "packed", "lut")

#: Yosys makes products of fewer bits in LUTs, one by one and dearly, whatever is asked for.
NARROWEST_BLOCK_PRODUCT = 9

#: LUTs of a DSP block where the part's numbers are not known: about what parts of all families have.
USUAL_LUTS_PER_BLOCK = 100


@dataclass(frozen=True)
class LutParts:
    """What takes LUTs in a layer with weights, in bits.

    Attributes:
        adders: of adder trees and accumulators.
        digits: of multiples and sums of look-up table multipliers, those of three times each activation included.
        corrections: of packed products whose lowest bit lies on another product.
        weights: that are kept in LUTs, once for every 64 words.
        results: of sums and of the type that goes out, for requantization.
    """

    adders: float = 0
    digits: float = 0
    corrections: float = 0
    weights: float = 0
    results: float = 0


#: LUTs a bit of each of :class:`LutParts`, by the inputs of a LUT.
LUT_COSTS = {6: LutParts(1.0, 1.0, 3.5, 1.05, 0.7), 4: LutParts(1.0, 3.0, 6.0, 1.5, 1.0)}

#: LUTs of a matrix-vector unit that do not grow with it: counters, credits, FIFO.
LUTS_OF_A_UNIT = 58

#: LUTs of a layer's line buffer and adapters, and of a layer without weights, roughly: they are the same
#: whatever a layer multiplies with.
LUTS_BESIDE = 150


def candidates(layer: Weighted, family: str) -> Iterator[Multipliers]:
    """All that a layer can multiply with on a family, plain blocks first where its products are wide enough."""
    product = product_bits(layer.weights, layer.input_type)
    if product >= NARROWEST_BLOCK_PRODUCT:
        yield BLOCKS
    if isinstance(layer, Convolution):
        low, high = int(layer.weights.min()), int(layer.weights.max())
        for products in range(2, min(MOST_PRODUCTS, layer.lanes) + 1):
            packed = packing(layer.weights, layer.input_type, products, MULTIPLIER_OPERANDS[family])
            if packed:
                rest = layer.lanes % products
                if rest != 1 or product >= NARROWEST_BLOCK_PRODUCT:
                    yield packed
                # In two stages or more the look-up tables would be later than the blocks.
                if rest and lut_stages(bits_for(low, high)) == 1:
                    yield replace(packed, rest_in_luts=True)
    yield Multipliers("lut")
    if isinstance(layer, Convolution) and layer.mac_units == layer.weights.size:
        yield Multipliers("adders")


def blocks(layer: Weighted, multipliers: Multipliers) -> int:
    """Multiplier blocks that a layer takes."""
    narrow = product_bits(layer.weights, layer.input_type) < NARROWEST_BLOCK_PRODUCT
    if multipliers.kind in ("lut", "adders") or (multipliers.kind == "dsp" and narrow):
        return 0
    groups, rest = divmod(layer.lanes, multipliers.products)
    return (groups + (rest > 0 and not multipliers.rest_in_luts)) * (layer.mac_units // layer.lanes)


def parts(layer: Weighted, multipliers: Multipliers) -> LutParts:
    """What takes LUTs in a layer."""
    per_output = layer.mac_units // layer.lanes
    product = product_bits(layer.weights, layer.input_type)
    if multipliers.kind == "adders":
        assert isinstance(layer, Convolution)
        matrix = matrix_words(layer.weights, layer.lanes, layer.simd)[0]
        tree = adder_bits(adder_graph(matrix), layer.input_type)
    else:
        tree = layer.lanes * _tree_bits(per_output, product)
    weight = bits_for(int(layer.weights.min()), int(layer.weights.max()))
    in_luts = _products_in_luts(layer, multipliers)
    digits = -(-weight // 2)
    digit = layer.input_type.width + 2
    triples = 0 if not in_luts else per_output * digit * (1 if isinstance(layer, Convolution) else layer.lanes)
    packed = layer.mac_units - in_luts if multipliers.kind == "packed" else 0
    overlap = product - multipliers.spacing if packed else 0
    words = layer.weights.size // layer.mac_units
    kept = 0 if words == 1 or in_block_rom(words, layer.mac_units * weight) else (
        layer.mac_units * weight * -(-words // 64))
    return LutParts(tree + layer.lanes * layer.accumulator.width,
                    in_luts * digit * max(2 * (digits - 1), 1) + triples,
                    overlap * (packed - blocks(layer, multipliers)), kept,
                    layer.lanes * (layer.accumulator.width + layer.type.width))


def luts(layer: Weighted, multipliers: Multipliers, inputs: int = 6) -> float:
    """An estimate of the LUTs of a layer's matrix-vector unit.

    Args:
        inputs: of a LUT: 6 on AMD parts, 4 on the ECP5.
    """
    counted, costs = astuple(parts(layer, multipliers)), astuple(LUT_COSTS[inputs])
    return LUTS_OF_A_UNIT + sum(count * cost for count, cost in zip(counted, costs, strict=True))


def _products_in_luts(layer: Weighted, multipliers: Multipliers) -> int:
    if multipliers.kind == "lut":
        return layer.mac_units
    rest = layer.lanes % multipliers.products if multipliers.rest_in_luts else 0
    return rest * layer.mac_units // layer.lanes


def _tree_bits(leaves: int, bits: int) -> int:
    total = 0
    while leaves > 1:
        bits += 1
        total += leaves // 2 * bits
        leaves -= leaves // 2
    return total


def multiplying(graph: StreamGraph, kind: str, board: Board) -> StreamGraph:
    """The graph with the multipliers that were asked for.

    Args:
        kind: one of :data:`KINDS`.

    Raises:
        ConfigurationError: another kind.
        BoardError: products are to be packed for a family whose multipliers are not known.
    """
    if kind == "auto":
        return choose_multipliers(graph, board)
    if kind == "packed" and board.yosys_family not in MULTIPLIER_OPERANDS:
        raise BoardError(f"How products are packed on {board.title} is not known; use other multipliers or part.")
    return with_multipliers(graph, kind, board.yosys_family or "")


def in_fabric(graph: StreamGraph) -> list[str]:
    """Names of the layers that are to be mapped without multiplier blocks."""
    return [layer.name for layer in graph.layers
            if isinstance(layer, Weighted) and layer.multipliers.kind in ("lut", "adders")]


def with_multipliers(graph: StreamGraph, kind: str, family: str) -> StreamGraph:
    """The graph with every layer's multipliers of one kind; ``packed`` as densely as each layer allows.

    Args:
        kind: ``dsp``, ``packed`` or ``lut``.

    Raises:
        ConfigurationError: another kind.
    """
    if kind not in ("dsp", "packed", "lut"):
        raise ConfigurationError(f"There are no multipliers of kind {kind!r}; use one of {', '.join(KINDS)}.")
    changed = {}
    for layer in graph.layers:
        if isinstance(layer, Weighted):
            fitting = [Multipliers(kind)]
            if kind == "packed":
                fitting = [choice for choice in candidates(layer, family) if choice.kind == "packed"] or [BLOCKS]
            changed[layer.name] = replace(layer, multipliers=min(
                fitting, key=lambda choice: (blocks(layer, choice), luts(layer, choice))))
    return graph.with_layers(changed)


def choose_multipliers(graph: StreamGraph, board: Board) -> StreamGraph:
    """The graph with multipliers such that the larger of its shares of LUTs and of DSP blocks is as small as can be.

    For each number of blocks the fewest LUTs are found layer by layer (a knapsack); the estimate
    of LUTs is that of :func:`luts`. A family that can't be mapped keeps plain blocks.

    Args:
        graph: folded.
        board: whose numbers are weighed; usual ones where they are not known.
    """
    if board.yosys_family not in MULTIPLIER_OPERANDS:
        return graph
    inputs = 4 if board.yosys_family == "ecp5" else 6
    weighted = [layer for layer in graph.layers if isinstance(layer, Weighted)]
    choices = [[(blocks(layer, choice), luts(layer, choice, inputs), choice)
                for choice in candidates(layer, board.yosys_family)] for layer in weighted]
    most = sum(max(count for count, _, _ in options) for options in choices)
    beside = LUTS_BESIDE * sum(not isinstance(layer, Input) for layer in graph.layers)
    fewest = np.zeros(most + 1)
    taken = []
    for options in choices:
        reached = np.full((len(options), most + 1), np.inf)
        for index, (count, lut, _) in enumerate(options):
            reached[index, count:] = fewest[: most + 1 - count] + lut
        taken.append(reached.argmin(axis=0))
        fewest = reached.min(axis=0)
    have_blocks = board.resources.dsp or (board.resources.lut or USUAL_LUTS_PER_BLOCK**2) / USUAL_LUTS_PER_BLOCK
    have_luts = board.resources.lut or have_blocks * USUAL_LUTS_PER_BLOCK
    shares = np.stack([(fewest + beside) / have_luts, np.arange(most + 1) / have_blocks])
    # Of equal largest shares the one with the least in all.
    left = int(np.lexsort((shares.sum(axis=0), shares.max(axis=0)))[0])
    changed = {}
    for layer, options, best in reversed(list(zip(weighted, choices, taken, strict=True))):
        count, _, choice = options[int(best[left])]
        changed[layer.name] = replace(layer, multipliers=choice)
        left -= count
    return graph.with_layers(changed)
