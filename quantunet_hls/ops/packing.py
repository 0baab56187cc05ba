"""Several products of one activation in one multiplier block: where each lies, and what keeps them apart.

``a * (w2 * 2**(2k) + w1 * 2**k + w0)`` holds ``a * w0``, ``a * w1`` and ``a * w2``
at a spacing of ``k`` bits (the idea is that of Xilinx WP486 for two 8-bit
products). A negative product borrows one from the field above it: each field
read as a two's complement number is its product less the borrow, and the
borrow is the sign bit just below the field. The adder tree gives it back in a
carry input, which costs no adder.

``k`` may be one bit less than a product is wide. The lowest bit of a product is
that of its operands; so the top bit of the field below, which it lies on, comes
out by one exclusive or (Sommer et al., "DSP-Packing", FPL 2022, describe the
like). Two bits of overlap would take an adder for each product, which is about
what such a product takes in look-up tables alone.

Whether a packing is exact is interval arithmetic over the layer's actual
weights and its input type, here, not an assumption about widths.
"""

from __future__ import annotations

import numpy as np

from quantunet_hls.ops.multipliers import Multipliers
from quantunet_hls.types.fixed import FixedType, Integers, bits_for

__all__ = ["MOST_PRODUCTS", "NARROWEST_BLOCK_PRODUCT", "lut_stages", "packed_codes", "packing", "product_bits",
           "stored_codes"]

#: Yosys makes products of fewer bits in LUTs, one by one and dearly, whatever is asked for.
NARROWEST_BLOCK_PRODUCT = 9

#: More products than this never fit any block.
MOST_PRODUCTS = 4


def product_bits(weights: Integers, source: FixedType) -> int:
    """Bits of a packed field: every product of these weights, and one less for the borrow."""
    corners = [int(weight) * code for weight in (np.min(weights), np.max(weights))
               for code in (source.low, source.high)]
    return bits_for(min(*corners, 0) - 1, max(*corners, 0))


def packing(weights: Integers, source: FixedType, products: int, operands: tuple[int, int]) -> Multipliers | None:
    """The widest spacing at which ``products`` of these weights share a block; None where they can't.

    Args:
        weights: codes.
        source: type of the activations.
        products: 2 to 4.
        operands: bits of the block's wider and narrower operand, both signed.
    """
    wide, narrow = operands
    if source.width + (not source.signed) > narrow:
        return None
    low, high = min(int(np.min(weights)), 0), max(int(np.max(weights)), 0)
    field = product_bits(weights, source)
    code = bits_for(low - 1, high)
    for overlap in (0, 1):
        spacing = field - overlap
        if spacing < code:
            return None
        ones = sum(1 << (spacing * place) for place in range(products))
        if bits_for(low * ones, high * ones) <= wide:
            return Multipliers("packed", products, spacing)
    return None


def packed_codes(codes: Integers, products: int) -> Integers:
    """Weights (words, outputs, inputs) less the borrow of their lower neighbour in the same packed word.

    Groups of ``products`` outputs, the last one perhaps smaller. Side by side and sign-extended to
    the spacing, these codes are the bits of the packed word.
    """
    stored = codes.copy()
    for output in range(codes.shape[1]):
        if output % products:
            stored[:, output] = codes[:, output] - (stored[:, output - 1] < 0)
    return stored


def stored_codes(words: Integers, multipliers: Multipliers) -> Integers:
    """Weights (words, outputs, inputs) as they are stored for their multipliers."""
    if multipliers.kind != "packed":
        return words
    stored = packed_codes(words, multipliers.products)
    if multipliers.rest_in_luts:
        whole = words.shape[1] - words.shape[1] % multipliers.products
        stored[:, whole:] = words[:, whole:]
    return stored


def lut_stages(bits: int) -> int:
    """Stages of :func:`~.multipliers.join_parts` for weights of so many bits."""
    return max((-(-bits // 2) - 1).bit_length(), 1)
