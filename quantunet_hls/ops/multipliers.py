"""What products are made of."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BLOCKS", "Multipliers"]


@dataclass(frozen=True)
class Multipliers:
    """What a layer multiplies with.

    Attributes:
        kind: ``dsp`` (a multiplier block for each product), ``packed`` (a block for several), ``lut``
            (look-up tables), or ``adders`` (shifts and additions, for weights that never change).
        products: products of a block.
        spacing: bits between two of them, where packed; see :mod:`quantunet_hls.ops.packing`.
        rest_in_luts: the outputs that are left over, fewer than ``products``, are computed in look-up tables.
    """

    kind: str = "dsp"
    products: int = 1
    spacing: int = 0
    rest_in_luts: bool = False

    def __str__(self) -> str:
        if self.kind != "packed":
            return self.kind
        return f"packed {self.products}" + (" and lut" if self.rest_in_luts else "")


#: A multiplier block for each product.
BLOCKS = Multipliers()
