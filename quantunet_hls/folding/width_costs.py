"""What one bit of a layer's weights or inputs costs on a board: plain numbers for a training that learns widths.

Estimates before anything is built, linear in the widths so that they have a
gradient. The reports of a design count what is really there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["WidthCosts", "width_costs"]

#: LUTs for each bit of one factor times each bit of the other, adder tree included: 192 multipliers of 8 by 4 bits in
#: 9,292 LUTs (Yosys 0.70, synth_xilinx -family xcup -nodsp, a convolution of streaming RTL).
_LUTS_PER_BIT_PRODUCT = 9292 / (192 * 8 * 4)
_BLOCK_BITS = 18 * 1024


@dataclass(frozen=True)
class WidthCosts:
    """Costs by layer, as ``quantunet_hls.training.settings.BoardCost`` takes them."""

    luts: dict[str, float]
    weight_blocks: dict[str, float]
    line_blocks: dict[str, float]


def width_costs(
    macs: Mapping[str, int], weights: Mapping[str, int], lines: Mapping[str, int], *, frames_per_second: float,
    clock_mhz: float,
) -> WidthCosts:
    """Costs of a bit in every layer of a streaming design that is as parallel as its frame rate needs.

    Args:
        macs: multiplications for one image, by layer.
        weights: weights, by layer.
        lines: values that its line buffers hold (kernel rows less one, times columns, times channels), by layer.
        frames_per_second: what the design must reach.
        clock_mhz: of the design.

    Returns:
        LUTs for a bit of weight times a bit of input; memory blocks of 18 kbit for a bit of weight and of input.
    """
    multipliers = {name: count * frames_per_second / (clock_mhz * 1e6) for name, count in macs.items()}
    return WidthCosts(
        luts={name: count * _LUTS_PER_BIT_PRODUCT for name, count in multipliers.items()},
        weight_blocks={name: count / _BLOCK_BITS for name, count in weights.items()},
        line_blocks={name: count / _BLOCK_BITS for name, count in lines.items()},
    )
