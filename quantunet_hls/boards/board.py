"""What a board carries, and its JSON file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from quantunet_hls.core.decode import load_json
from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.targets import Family, family_named, part_named
from quantunet_hls.targets.place import PinnedPort

__all__ = ["Board", "Memory", "Resources", "SerialLine", "read_board"]

_Count = Annotated[int, msgspec.Meta(ge=0)]


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

    lut: _Count | None = None
    ff: _Count | None = None
    dsp: _Count | None = None
    bram_18k: _Count | None = None
    uram: _Count | None = None
    lutram: _Count | None = None


@dataclass(frozen=True)
class Memory:
    """A memory chip (or stack) on the board.

    Attributes:
        kind: DDR3, DDR4, HBM2 and the like.
        megabytes: its size in MiB.
        attached_to: "processor" or "fabric", whichever has the controller's pins; of Versal, whose controllers all
            masters reach through one network, "fabric".
        bytes_per_s: most that its pins move: bits of the bus, without those of an ECC, times the data rate that the
            board's documents name, of all channels together. None where these leave it open. Refresh, changes of rows
            and of direction, and the ports between controller and fabric take some of it. ``docs/boards.md`` has the
            bus and the rate of each board.
    """

    kind: str
    megabytes: Annotated[int, msgspec.Meta(gt=0)]
    attached_to: Literal["processor", "fabric"]
    bytes_per_s: Annotated[int, msgspec.Meta(gt=0)] | None = None


@dataclass(frozen=True)
class SerialLine:
    """A serial line by which a whole design on the board talks to a host, with clock, reset and lights.

    Attributes:
        clock_mhz: of the board's oscillator.
        clock: where that comes in.
        receive, transmit: the line, as seen from the part.
        reset: a button, high while it is pressed.
        lights: lit while high: clock is there, at work, last request refused, and then images counted.
        configuration: settings of the part's configuration, in the words of its family's constraints.
    """

    clock_mhz: Annotated[float, msgspec.Meta(gt=0)]
    clock: PinnedPort
    receive: PinnedPort
    transmit: PinnedPort
    reset: PinnedPort | None = None
    lights: PinnedPort | None = None
    configuration: Annotated[str, msgspec.Meta(pattern=r"^(\w+=[\w.]+( \w+=[\w.]+)*)?\Z")] = ""

    def __post_init__(self) -> None:
        """Refuse ports that are no single bit, or that share a name or a pin.

        Raises:
            BoardError: names the port.
        """
        for port in self.ports:
            if port is not self.lights and len(port.sites) > 1:
                raise BoardError(f"The serial line's {port.port} is one bit with {len(port.sites)} sites; give one.")
        for kind, given in (("port", [port.port for port in self.ports]),
                            ("site", [site for port in self.ports for site in port.sites])):
            twice = next((one for one in given if given.count(one) > 1), None)
            if twice:
                raise BoardError(f"The serial line has the {kind} {twice} twice; each of its bits has its own.")

    @property
    def ports(self) -> tuple[PinnedPort, ...]:
        """All of them, the clock first."""
        return tuple(port for port in (self.clock, self.transmit, self.receive, self.reset, self.lights) if port)


@dataclass(frozen=True)
class Board:
    """A board, or a bare part.

    Attributes:
        name: as the catalogue has it; the part's own name for a bare part.
        title: for people.
        vendor: maker of the part.
        family: name of the part's family, one of :data:`quantunet_hls.targets.FAMILIES`.
        series: that the part is sold under.
        part: with package and speed grade, as the tools want it.
        resources: of the part as a whole, before any shell or processor interface takes its share.
        clock_ns: period in ns that designs aim at unless told otherwise; our choice, not a limit of the board.
        memory: chips on the board, empty for a bare part.
        toolchains: of "vitis", "vivado" and "open", those that take this part.
        sources: titles of the documents that the figures come from.
        serial_line: what a whole design on the board is made with, where there is one; None where a design is a block
            for a larger one.
    """

    name: str
    title: str
    vendor: str
    family: str
    series: str
    part: str
    resources: Resources
    clock_ns: float
    memory: tuple[Memory, ...]
    toolchains: tuple[str, ...]
    sources: tuple[str, ...]
    serial_line: SerialLine | None = None

    @property
    def clock_mhz(self) -> float:
        """The same clock as a frequency in MHz."""
        return 1000 / self.clock_ns

    @property
    def part_family(self) -> Family:
        """The family of its part.

        Raises:
            UnknownNameError: there is none of that name.
        """
        return family_named(self.family)


@dataclass(frozen=True)
class _File:
    """A board's JSON: what is not told by the family of its part."""

    title: str
    family: str
    part: str
    clock_ns: Annotated[float, msgspec.Meta(ge=0.1, le=10_000)]
    resources: Resources = Resources()
    memory: tuple[Memory, ...] = ()
    sources: tuple[str, ...] = ()
    serial_line: SerialLine | None = None


def read_board(path: Path) -> Board:
    """The board of a JSON file, under the file's name.

    Raises:
        ConfigurationError: no JSON, or a key that is absent, unknown or of another kind; says which.
        BoardError: a family that there is none of, or a part that is not of it.
    """
    facts = load_json(_File, path, "a board", "the boards of this package show what it takes")
    try:
        part = part_named(facts.part, family_named(facts.family))
    except ConfigurationError as error:
        raise BoardError(f"{path} is no board: {error}") from error
    if facts.serial_line and not (part.family.pll and part.family.place_and_route):
        raise BoardError(f"{path} has a serial_line, but there is no PLL or no open place and route for "
                         f"{part.family.title} here; leave it out.")
    return Board(
        name=path.stem,
        title=facts.title,
        vendor=part.family.vendor,
        family=part.family.name,
        series=part.series.title,
        part=facts.part,
        resources=facts.resources,
        clock_ns=facts.clock_ns,
        memory=facts.memory,
        toolchains=part.family.toolchains,
        sources=facts.sources,
        serial_line=facts.serial_line,
    )
