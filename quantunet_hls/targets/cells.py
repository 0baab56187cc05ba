"""What a netlist takes, in the units of the board catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

__all__ = ["CellCount", "count_cells"]


@dataclass(frozen=True)
class CellCount:
    """Resources that a netlist takes, in the units of the board catalogue.

    Attributes:
        lut: look-up tables, those that are memory, shift register or inverter included.
        ff: flip-flops.
        carry: carry cells (CARRY4 of four bits, CCU2C of two).
        dsp: DSP slices, or 18x18 multipliers.
        bram_18k: memory blocks of 18 kbit.
        uram: UltraRAM blocks.
        lutram: of the look-up tables, those that are memory or shift register.
    """

    lut: int = 0
    ff: int = 0
    carry: int = 0
    dsp: int = 0
    bram_18k: int = 0
    uram: int = 0
    lutram: int = 0

    def __add__(self, other: CellCount) -> CellCount:
        return CellCount(**{name: value + getattr(other, name) for name, value in asdict(self).items()})


def count_cells(cells: Mapping[str, int], each: Mapping[str, CellCount]) -> CellCount:
    """What the cells of a netlist take together.

    Args:
        cells: how many there are of each type.
        each: what one of a type takes; types that it leaves out (clock buffers, wide multiplexers) take nothing.
    """
    total: Counter[str] = Counter()
    for name, number in cells.items():
        for resource, taken in asdict(each.get(name, CellCount())).items():
            total[resource] += number * taken
    return CellCount(**total)
