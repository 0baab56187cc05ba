"""A figure: one number with its unit, which design it is of, where it comes from, and what the part has.

Which of several figures of one name counts is said by :func:`pick` and by nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from quantunet_hls.reports.names import FIGURES, HARDWARE

__all__ = ["LARGEST", "Figure", "Source", "Subject", "binding", "pick", "stated"]

#: No figure of a design comes near; what is larger, or smaller and not zero, overflows where it divides or is divided.
LARGEST, _SMALLEST = 1e30, 1e-30

_FIGURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Subject(StrEnum):
    """Which design a figure is of: a network is built as C++ for an HLS tool, as RTL, or as both."""

    RTL = "RTL"
    CPP = "C++"
    NETWORK = "network"
    UNSTATED = "not stated"


class Source(StrEnum):
    """Where a figure comes from, from the least binding to the most."""

    ESTIMATE = "estimate"
    CSIM = "C-simulation"
    CSYNTH = "C-synthesis"
    COSIM = "co-simulation"
    RTL_SIM = "RTL simulation"
    MAPPED = "mapped"
    ROUTED = "placed and routed"
    MEASURED = "measured on this machine"


@dataclass(frozen=True)
class Figure:
    """One number that is known of a design or of a layer.

    Attributes:
        name: one of :mod:`quantunet_hls.reports.names`.
        value: a finite number in the unit.
        source: where it comes from.
        tool: the program that found it.
        tool_version: that program's version, "" where it is not known.
        available: what the part has of it; None where that says nothing or is not known.
        unit: follows from the name; to be given only for a name that is not in the list.
        subject: which design it is of; where nobody says, it is compared with nothing that does.
    """

    name: str
    value: int | float
    source: Source
    tool: str
    tool_version: str = ""
    available: int | float | None = None
    unit: str = ""
    subject: Subject = Subject.UNSTATED

    def __post_init__(self) -> None:
        if not _FIGURE_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} can't be the name of a figure")
        for number in (self.value, self.available):
            # An integer may be larger than any float, so it is compared before it is asked whether it is finite.
            if number is not None and number != 0 and not _SMALLEST <= abs(number) <= LARGEST:
                raise ValueError(f"the figure {self.name!r} is not finite, or not from {_SMALLEST:g} to {LARGEST:g}")
        unit = FIGURES[self.name].unit if self.name in FIGURES else self.unit
        if not unit or self.unit not in ("", unit):
            raise ValueError(f"the figure {self.name!r} can't have the unit {self.unit!r}")
        object.__setattr__(self, "unit", unit)

    @property
    def key(self) -> tuple[str, Subject, Source, str]:
        """What tells this figure from the others of the same report."""
        return self.name, self.subject, self.source, self.tool

    @property
    def origin(self) -> str:
        """Which design it is of and where it comes from: "RTL, mapped", "C++, estimate", "RTL simulation"."""
        return str(self.source) if self.source.startswith(self.subject) else f"{self.subject}, {self.source}"

    @property
    def program(self) -> str:
        """The tool with its version."""
        return f"{self.tool} {self.tool_version}".strip()

    @property
    def provenance(self) -> str:
        """Which design it is of, where it comes from, and the tool with its version."""
        return f"{self.origin}, {self.program}"

    @property
    def share(self) -> float | None:
        """The part of what is available that is used (1 is all of it), None where that is not known."""
        return self.value / self.available if self.available else None


def stated(figures: Iterable[Figure], subject: Subject) -> tuple[Figure, ...]:
    """The figures as those of a design, for whoever knows what a tool's report is of and the report does not say."""
    return tuple(replace(figure, subject=subject) for figure in figures)


_SOURCES, _SUBJECTS = list(Source), list(Subject)


def binding(subject: Subject, source: Source) -> tuple[int, int]:
    """How much a figure of that design and from that source binds, to be compared with another's.

    Of two from the same source the RTL's binds more, for that is what this package's own tool chain builds.
    """
    return _SOURCES.index(source), -_SUBJECTS.index(subject)


def pick(figures: Iterable[Figure], name: str, source: Source | None = None,
         subject: Subject | None = None) -> Figure | None:
    """The one figure of that name that counts, None where there is none; the only rule by which one is chosen.

    It is the most binding one: of the latest source of :class:`Source`, then of the RTL before the C++. Where several
    tools know it, that of the hardware's emulation counts for an accuracy, else that of the tool whose other figures
    are the most binding, else the first by the tool's name; the figures' order says nothing.

    Args:
        figures: of a report, or of one layer.
        name: of the figure.
        source: that it must come from.
        subject: which design it must be of.
    """
    figures = tuple(figures)
    fitting = [figure for figure in figures if figure.name == name and source in (None, figure.source)
               and subject in (None, figure.subject)]
    if not fitting:
        return None
    most = max(binding(figure.subject, figure.source) for figure in fitting)
    rivals = sorted((figure for figure in fitting if binding(figure.subject, figure.source) == most),
                    key=lambda figure: figure.tool)

    def standing(figure: Figure) -> tuple[bool, int]:
        of_tool = (_SOURCES.index(other.source) for other in figures
                   if (other.tool, other.subject) == (figure.tool, figure.subject))
        return figure.tool == HARDWARE, max(of_tool)

    return max(rivals, key=standing)
