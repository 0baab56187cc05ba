"""A part's clock from a board's: the cell that makes it, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Pll", "PllCell"]


@dataclass(frozen=True)
class PllCell:
    """A PLL that is set.

    Attributes:
        mhz: the clock that comes out.
        type: of the cell.
        attributes, parameters: of it.
        source, feedback, output, locked: its ports for the board's clock, for the clock that comes out (in and out),
            and for whether that is steady.
        constants: what its other ports are tied to.
    """

    mhz: float
    type: str
    attributes: Mapping[str, str]
    parameters: Mapping[str, int | str]
    source: str
    feedback: str
    output: str
    locked: str
    constants: Mapping[str, int]


class Pll(Protocol):
    """A family's PLL."""

    def cell_for(self, source_mhz: float, wanted_mhz: float) -> PllCell:
        """The cell whose clock is nearest to the wanted one and not above it.

        Raises:
            BoardError: no setting gives a clock as slow or as fast as that.
        """
