"""The families of parts, and how one is found: by its name, or by the name of a part."""

from __future__ import annotations

import re
from dataclasses import dataclass

from quantunet_hls.core.errors import BoardError, ConfigurationError, UnknownNameError
from quantunet_hls.targets.ecp5 import ECP5
from quantunet_hls.targets.family import Family, Series
from quantunet_hls.targets.versal import VERSAL
from quantunet_hls.targets.xc7 import XC7
from quantunet_hls.targets.xcu import XCU
from quantunet_hls.targets.xcup import XCUP

__all__ = ["FAMILIES", "Part", "check_part", "family_named", "part_named"]

#: Every family. A part's is the first that knows its name: UltraScale+ devices end in "p" where UltraScale ones of
#: the same number do not.
FAMILIES = (XC7, XCUP, XCU, VERSAL, ECP5)

# Letters, digits and single hyphens: what a part may have, and nothing that Tcl or a shell gives a meaning to.
_PART = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_LONGEST_PART = 64


@dataclass(frozen=True)
class Part:
    """What the name of a part tells.

    Attributes:
        family: that it belongs to.
        series: that it is sold under.
        device: how its name starts, in lower case: "xczu7ev" of "xczu7ev-ffvc1156-2-e".
    """

    family: Family
    series: Series
    device: str


def family_named(name: str) -> Family:
    """The family of that name.

    Raises:
        UnknownNameError: there is none; names the nearest.
    """
    for family in FAMILIES:
        if family.name == name:
            return family
    raise UnknownNameError("part family", name, [family.name for family in FAMILIES], "quantunet-hls boards")


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


def part_named(part: str, family: Family | None = None) -> Part:
    """What the name of a part tells.

    Args:
        family: that it must belong to; by default whichever knows it.

    Raises:
        ConfigurationError: a malformed part.
        BoardError: a part of no family that this package has a tool chain for, or not of this one.
    """
    lowered = check_part(part).lower()
    for candidate in FAMILIES if family is None else (family,):
        for series in candidate.series:
            found = re.match(series.device, lowered)
            if found:
                return Part(candidate, series, found.group())
    if family is not None:
        raise BoardError(f"The part {part!r} is not of the family {family.name}, which has "
                         f"{', '.join(series.title for series in family.series)} parts.")
    known = ", ".join(series.title for each in FAMILIES for series in each.series)
    raise BoardError(f"The part {part!r} is of no family that has a tool chain here; the families are: {known}.")
