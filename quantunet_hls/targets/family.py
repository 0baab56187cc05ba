"""What a family of parts is to this package: numbers, files and drivers, each of them in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.targets.cells import CellCount
from quantunet_hls.targets.lut_parts import LutParts
from quantunet_hls.targets.memories import MemoryCells
from quantunet_hls.targets.place import PlaceAndRoute
from quantunet_hls.targets.pll import Pll
from quantunet_hls.targets.synthesis import Synthesis

__all__ = ["CellModels", "Delays", "Family", "Multiplier", "Series"]


@dataclass(frozen=True)
class Series:
    """Parts of a family that their maker sells under one name.

    Attributes:
        title: that name.
        device: pattern of a device's name, in lower case, at the start of a part's.
        clock_ns: period in ns to aim at where the user names none.
    """

    title: str
    device: str
    clock_ns: float


@dataclass(frozen=True)
class Multiplier:
    """A family's multiplier block.

    Attributes:
        wide, narrow: bits of its operands, both signed.
        adder: whether a sum can be taken into the block behind the product.
    """

    wide: int
    narrow: int
    adder: bool

    @property
    def operands(self) -> tuple[int, int]:
        """Bits of the wider and the narrower operand."""
        return self.wide, self.narrow


@dataclass(frozen=True)
class CellModels:
    """What a mapped netlist is simulated with.

    Attributes:
        yosys: Yosys's files of models, by path in its share folder.
        own: this package's, and what they include (``.vh``); they come before Yosys's.
    """

    yosys: tuple[str, ...]
    own: tuple[Path, ...]


@dataclass(frozen=True)
class Delays:
    """Where a family's cell delays are.

    Attributes:
        file: JSON, as :func:`quantunet_hls.rtl.synthesize.timing.cell_delays` reads it.
        note: what an estimate with them leaves out or borrows.
    """

    file: Path
    note: str


@dataclass(frozen=True, eq=False, repr=False)
class Family:
    """A family of parts that share their cells.

    A family is compared by identity: there is one of each in
    :data:`quantunet_hls.targets.table.FAMILIES`. What it lacks (None) can't be done for its parts,
    and is refused by name where it is asked for.

    Attributes:
        name: that boards say, such as ``xcup``.
        title: for people.
        vendor: its maker.
        series: its parts, by the names that they are sold under.
        toolchains: of "vitis", "vivado" and "open", those that take it.
        memories: what memories are made of, and the costs by which the synthesis chooses.
        multiplier: its multiplier block.
        lut_costs: LUTs that each part of a layer takes; below one a bit where Yosys folds parts into each other or
            into DSP blocks.
        cells: what one cell of each type takes of the part.
        synthesis: Yosys's pass for it.
        models: of its cells, for simulation.
        delays: of its cells.
        place_and_route: by open tools, up to the bitstream.
        pll: that makes a design's clock of a board's.
    """

    name: str
    title: str
    vendor: str
    series: tuple[Series, ...]
    toolchains: tuple[str, ...]
    memories: MemoryCells
    multiplier: Multiplier
    lut_costs: LutParts
    cells: Mapping[str, CellCount]
    synthesis: Synthesis | None = None
    models: CellModels | None = None
    delays: Delays | None = None
    place_and_route: PlaceAndRoute | None = None
    pll: Pll | None = None

    def __repr__(self) -> str:
        return f"<family {self.name}>"

    @property
    def mapped(self) -> bool:
        """Whether Yosys maps to it, so that its numbers are its own and not those of a family that stands in for it."""
        return self.synthesis is not None
