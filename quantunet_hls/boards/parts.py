"""Bare parts: their names checked, their family told from the prefix, their resources only where they are known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from quantunet_hls.boards.catalogue import Board, Resources, load, names
from quantunet_hls.core.errors import BoardError, ConfigurationError

__all__ = ["Family", "check_part", "device_of", "family_of", "for_part"]

# Letters, digits and single hyphens: what a part may have, and nothing that Tcl or a shell gives a meaning to.
_PART = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_LONGEST_PART = 64


@dataclass(frozen=True)
class Family:
    """A family of parts.

    Attributes:
        name: what its maker calls it.
        vendor: its maker.
        device: pattern of the device's name at the start of a part's.
        toolchains: of "vitis", "vivado" and "open", those that take it.
        yosys_family: Yosys's name for it, None where it has none.
        clock_ns: period in ns to aim at where the user names none.
    """

    name: str
    vendor: str
    device: str
    toolchains: tuple[str, ...]
    yosys_family: str | None
    clock_ns: float


_AMD = ("vitis", "vivado", "open")

# The first that fits counts: UltraScale+ devices end in "p" where UltraScale ones of the same number do not.
_FAMILIES = (
    Family("Zynq-7000", "AMD", r"xc7z\d+s?", _AMD, "xc7", 10.0),
    Family("Artix-7", "AMD", r"xc7a\d+t", _AMD, "xc7", 10.0),
    Family("Kintex-7", "AMD", r"xc7k\d+t", _AMD, "xc7", 10.0),
    Family("Virtex-7", "AMD", r"xc7v[xh]?\d+t", _AMD, "xc7", 10.0),
    Family("Spartan-7", "AMD", r"xc7s\d+", _AMD, "xc7", 10.0),
    Family("Zynq UltraScale+", "AMD", r"xczu\d+(cg|eg|ev|dr)", _AMD, "xcup", 5.0),
    Family("Kria (Zynq UltraScale+)", "AMD", r"xck2\d", _AMD, "xcup", 5.0),
    Family("Artix UltraScale+", "AMD", r"xcau\d+p", _AMD, "xcup", 5.0),
    Family("Kintex UltraScale+", "AMD", r"xcku\d+p", _AMD, "xcup", 5.0),
    Family("Virtex UltraScale+", "AMD", r"xcvu\d+p", _AMD, "xcup", 4.0),
    Family("Alveo (Virtex UltraScale+)", "AMD", r"xcu\d+[nc]?", _AMD, "xcup", 4.0),
    Family("Kintex UltraScale", "AMD", r"xcku\d+", _AMD, "xcu", 5.0),
    Family("Virtex UltraScale", "AMD", r"xcvu\d+", _AMD, "xcu", 5.0),
    Family("Versal", "AMD", r"xcv[cepmh]\d+", ("vitis", "vivado"), None, 4.0),
    Family("ECP5", "Lattice", r"lfe5u(m5g|m)?-\d+f", ("open",), "ecp5", 20.0),
)


def check_part(part: str) -> str:
    """The part itself, if it is well formed: letters, digits and single hyphens, at most 64 of them.

    Raises:
        ConfigurationError: where it is not.
    """
    if len(part) > _LONGEST_PART or not _PART.fullmatch(part):
        raise ConfigurationError(
            f"{part!r} can't be the name of a part; write it as the tools do, for example xczu7ev-ffvc1156-2-e."
        )
    return part


def family_of(part: str) -> Family:
    """The family of a part, told from how its name begins.

    Raises:
        ConfigurationError: a malformed part.
        BoardError: a part of no family that this package has a tool chain for.
    """
    return _family_and_device(part)[0]


def device_of(part: str) -> str:
    """The device's name at the start of a part's, in lower case: "xczu7ev" of "xczu7ev-ffvc1156-2-e".

    Raises:
        ConfigurationError: a malformed part.
        BoardError: a part of no known family.
    """
    return _family_and_device(part)[1]


def _family_and_device(part: str) -> tuple[Family, str]:
    lowered = check_part(part).lower()
    for family in _FAMILIES:
        found = re.match(family.device, lowered)
        if found:
            return family, found.group()
    known = ", ".join(family.name for family in _FAMILIES)
    raise BoardError(f"The part {part!r} is of no family that has a tool chain here; the families are: {known}.")


def for_part(part: str, *, clock_ns: float | None = None, resources: Resources | None = None) -> Board:
    """A board that is nothing but a part.

    Its resources are those given; else those of the catalogue where a board there
    has the same device (package and speed grade change none of them); else unknown.

    Args:
        part: with package and speed grade, as the tools want it.
        clock_ns: period to aim at in ns; by default a usual one of the family.
        resources: what the part has.

    Raises:
        ConfigurationError: a malformed part, or a clock that is none.
        BoardError: a part of no known family.
    """
    family, device = _family_and_device(part)
    if clock_ns is not None and not 0.1 <= clock_ns <= 10_000:
        raise ConfigurationError(f"A clock period of {clock_ns!r} ns can't be built; give one between 0.1 and 10000.")
    sources: tuple[str, ...] = ()
    if resources is None:
        sibling = next((board for board in map(load, names()) if device_of(board.part) == device), None)
        resources = sibling.resources if sibling else Resources()
        sources = sibling.sources[:1] if sibling else ()
    return Board(
        name=part,
        title=f"{family.name} part {part}",
        vendor=family.vendor,
        family=family.name,
        part=part,
        resources=resources,
        clock_ns=family.clock_ns if clock_ns is None else clock_ns,
        memory=(),
        toolchains=family.toolchains,
        yosys_family=family.yosys_family,
        sources=sources,
    )
