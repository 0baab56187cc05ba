"""Place and route for a family: what every driver of one takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import msgspec

__all__ = ["PLACE_LIMIT_S", "PinnedPort", "PlaceAndRoute", "Placed", "Program"]

#: Place and route of a large design takes many minutes; beyond this something hangs.
PLACE_LIMIT_S = 3600.0

_Site = Annotated[str, msgspec.Meta(pattern=r"^\w+\Z")]


@dataclass(frozen=True)
class PinnedPort:
    """A port of a board's top module, and the pins that it goes to.

    Attributes:
        port: its name, best that of the board's schematic.
        sites: the pin of each bit, the lowest first.
        options: of the pins, in the words of the family's constraints, such as ``IO_TYPE=LVCMOS33 PULLMODE=UP``.
    """

    port: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*\Z")]
    sites: Annotated[tuple[_Site, ...], msgspec.Meta(min_length=1)]
    options: Annotated[str, msgspec.Meta(pattern=r"^(\w+=[\w.]+( \w+=[\w.]+)*)?\Z")] = ""


@dataclass(frozen=True)
class Placed:
    """A placed and routed design.

    Attributes:
        clock_mhz: that it reaches, by the tool's timing analysis, in MHz.
        resources: by name in the board catalogue, (used, in the part).
        bitstream: the file for the part.
        tool: that placed and routed.
        tool_version: of it.
        seconds: of place and route.
    """

    clock_mhz: float
    resources: dict[str, tuple[int, int]]
    bitstream: Path
    tool: str
    tool_version: str
    seconds: float


@dataclass(frozen=True)
class Program:
    """A program that a driver calls.

    Attributes:
        name: of it.
        unlocks: what it is needed for.
        package: on PyPI, which has it too.
    """

    name: str
    unlocks: str
    package: str


class PlaceAndRoute(Protocol):
    """Place and route for a family, and the packer of bitstreams."""

    @property
    def tool(self) -> str:
        """Its name in reports."""

    @property
    def programs(self) -> tuple[Program, ...]:
        """All that it calls."""

    def version(self) -> str:
        """Its version, "" where it does not say.

        Raises:
            ToolNotFoundError, ToolFailedError: it is absent or does not run.
        """

    def constraints(self, ports: Sequence[PinnedPort], clock_port: str, clock_mhz: float, configuration: str) -> str:
        """Pins and clock in the tool's own form.

        Args:
            ports: of the top module.
            clock_port: that of them which the clock comes in by.
            clock_mhz: of that clock.
            configuration: settings of the part's configuration, in the words of that form.
        """

    def place(self, top: str, netlists: Sequence[Path], part: str, clock_mhz: float, folder: Path, *,
              constraints: str | None = None, seed: int = 1, limit_s: float = PLACE_LIMIT_S) -> Placed:
        """Link a mapped design, place and route it, and pack the bitstream.

        A clock that is missed is a figure in the result, not an error.

        Args:
            top: name of the top module; its clock is the port or net ``clk``.
            netlists: Verilog of the cells of the top module and of all modules in it.
            part: with package and speed grade.
            clock_mhz: that is aimed at.
            folder: for netlist, logs and bitstream.
            constraints: of :meth:`constraints`; ports that they leave out go to any pin.

        Raises:
            BoardError: a part of the family that the tool does not know.
            ToolNotFoundError, ToolFailedError: a tool is absent, failed or ran past its limit.
        """
