"""The catalogue: what each board carries, read from the JSON file that bears its name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from quantunet_hls.core.errors import UnknownNameError
from quantunet_hls.core.files import read_json

__all__ = ["Board", "Memory", "Resources", "load", "names"]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Resources:
    """What a part has; None where it is not known.

    Attributes:
        lut: look-up tables: six inputs on AMD parts, four on the ECP5.
        ff: flip-flops.
        dsp: DSP48 slices on AMD parts, 18x18 multipliers on the ECP5.
        bram_18k: memory blocks of 18 kbit; AMD's 36 kbit tile counts as two, an ECP5 EBR as one.
        uram: UltraRAM blocks of 288 kbit.
        lutram: how many of the look-up tables can be memory instead.
    """

    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram_18k: int | None = None
    uram: int | None = None
    lutram: int | None = None


@dataclass(frozen=True)
class Memory:
    """A memory chip (or stack) on the board.

    Attributes:
        kind: DDR3, DDR4, HBM2 and the like.
        megabytes: its size in MiB.
        attached_to: "processor" or "fabric", whichever has the controller's pins.
    """

    kind: str
    megabytes: int
    attached_to: str


@dataclass(frozen=True)
class Board:
    """A board, or a bare part.

    Attributes:
        name: as the catalogue has it; the part's own name for a bare part.
        title: for people.
        vendor: maker of the part.
        family: of the part.
        part: with package and speed grade, as the tools want it.
        resources: of the part as a whole, before any shell or processor interface takes its share.
        clock_ns: period in ns that designs aim at unless told otherwise; our choice, not a limit of the board.
        memory: chips on the board, empty for a bare part.
        toolchains: of "vitis", "vivado" and "open", those that take this part.
        yosys_family: what Yosys calls the family ("xcup", "xc7", "ecp5"), None where it has none.
        sources: titles of the documents that the figures come from.
    """

    name: str
    title: str
    vendor: str
    family: str
    part: str
    resources: Resources
    clock_ns: float
    memory: tuple[Memory, ...]
    toolchains: tuple[str, ...]
    yosys_family: str | None
    sources: tuple[str, ...]

    @property
    def clock_mhz(self) -> float:
        """The same clock as a frequency in MHz."""
        return 1000 / self.clock_ns


def names() -> list[str]:
    """The names of all boards in the catalogue, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


@cache
def load(name: str) -> Board:
    """The board of that name.

    Raises:
        UnknownNameError: where the catalogue has none, with the nearest names.
    """
    known = names()
    if name not in known:
        raise UnknownNameError("board", name, known, "quantunet-hls boards")
    facts = read_json(_FOLDER / f"{name}.json")
    return Board(
        name=name,
        title=facts["title"],
        vendor=facts["vendor"],
        family=facts["family"],
        part=facts["part"],
        resources=Resources(**facts["resources"]),
        clock_ns=facts["clock_ns"],
        memory=tuple(Memory(**chip) for chip in facts["memory"]),
        toolchains=tuple(facts["toolchains"]),
        yosys_family=facts["yosys_family"],
        sources=tuple(facts["sources"]),
    )
