"""The one form of all reports: every figure with its unit, where it comes from, and what the part has.

A report is a value: frozen, equal to another with the same content, and the same
again after it went through JSON. What is not known is absent, never a zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec

from quantunet_hls.core.decode import converted
from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import read_json, write_json
from quantunet_hls.reports.names import FIGURES, HARDWARE
from quantunet_hls.reports.subject import Subject, with_subjects

__all__ = ["SCHEMA", "VERSION", "Check", "Figure", "LayerReport", "Network", "Report", "Source", "Subject", "Target",
           "binding", "pick", "stated"]

#: What the member "schema" of every report's JSON says.
SCHEMA = "quantunet-hls/report"

#: Raised whenever an older reader could misunderstand a newer report. Version 1 didn't say of which design a figure is.
VERSION = 2

_WITHOUT_SUBJECTS = 1

#: No figure of a design comes near; what is larger, or smaller and not zero, overflows where it divides or is divided.
_LARGEST, _SMALLEST = 1e30, 1e-30

#: Bytes; a report of a thousand layers has less than 3 MB.
_LARGEST_FILE = 100_000_000

#: Whole numbers that SQLite and most readers of JSON take, and numbers that a design can have.
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Size = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Amount = Annotated[float, msgspec.Meta(ge=0, le=_LARGEST)]

_FIGURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


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
            if number is not None and number != 0 and not _SMALLEST <= abs(number) <= _LARGEST:
                raise ValueError(f"the figure {self.name!r} is not finite, or not from {_SMALLEST:g} to {_LARGEST:g}")
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


def _no_twins(figures: Iterable[Figure], where: str) -> None:
    seen = set()
    for figure in figures:
        if figure.key in seen:
            raise ValueError(f"{where} has the figure {figure.name!r} ({figure.subject}, {figure.source}, "
                             f"{figure.tool}) twice")
        seen.add(figure.key)


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


@dataclass(frozen=True)
class Check:
    """Two stages that were given the same images, compared integer by integer.

    Attributes:
        reference: the stage that is held to be right.
        candidate: the stage that must equal it.
        layer: name of the layer compared, None for the network's output.
        values: how many values were compared.
        differing: how many of them differ.
    """

    reference: str
    candidate: str
    layer: str | None
    values: _Count
    differing: _Count

    def __post_init__(self) -> None:
        if not 0 <= self.differing <= self.values:
            raise ValueError(f"{self.differing} of {self.values} values can't differ")

    @property
    def equal(self) -> bool:
        """Whether something was compared and nothing differs."""
        return self.values > 0 and self.differing == 0


@dataclass(frozen=True)
class LayerReport:
    """What is known of one layer.

    Attributes:
        name: as the network calls it, or the tool's own name of a module that is no one layer's.
        kind: of layer, "" where it is not known.
        figures: each (name, subject, source, tool) once.
    """

    name: str
    kind: str = ""
    figures: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        _no_twins(self.figures, f"the layer {self.name!r}")

    def figure(self, name: str, source: Source | None = None, subject: Subject | None = None) -> Figure | None:
        """The figure of that name that counts; see :func:`pick`."""
        return pick(self.figures, name, source, subject)


@dataclass(frozen=True)
class Network:
    """The network that was built.

    Attributes:
        name: of the zoo entry, checkpoint or file.
        sha256: of the checkpoint or graph, in hex; "" for a live module that was never saved.
        input_shape: (height, width, channels).
        macs: multiplications with accumulation an image.
        parameters: how many weights and biases.
        average_weight_bits: over all weights.
        average_activation_bits: over all activations.
    """

    name: str
    sha256: str = ""
    input_shape: tuple[_Size, ...] = ()
    macs: _Count | None = None
    parameters: _Count | None = None
    average_weight_bits: _Amount | None = None
    average_activation_bits: _Amount | None = None


@dataclass(frozen=True)
class Target:
    """What the design was made for.

    Attributes:
        board: name in the catalogue, None for a bare part.
        part: with package and speed grade.
        clock_ns: period asked for, in ns.
    """

    board: str | None
    part: str
    clock_ns: _Amount


#: What an option of a design can be.
Told = str | int | float | list[str | int]


@dataclass(frozen=True)
class Report:
    """All that is known of one network on one part: of its C++, and of its RTL where there is one.

    Attributes:
        name: of the design.
        created: time in UTC, ISO 8601, with its offset ("2026-01-31T12:00:00+00:00").
        network: what was built.
        target: what it was built for.
        asked: options of the design that were not left at their defaults, by name; {} where nobody says.
        checks: stages compared.
        layers: in the network's order.
        figures: of the design as a whole, each (name, subject, source, tool) once.
        tools: version of each program and package that had a part in it.
        files: role to path, relative to the folder that the report speaks of.
    """

    name: str
    created: str
    network: Network
    target: Target
    asked: Mapping[str, Told] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    layers: tuple[LayerReport, ...] = ()
    figures: tuple[Figure, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        offset = datetime.fromisoformat(self.created).utcoffset()
        if offset is None or offset:
            raise ValueError(f"the time {self.created!r} is not in UTC")
        _no_twins(self.figures, "the report")

    def figure(self, name: str, source: Source | None = None, subject: Subject | None = None) -> Figure | None:
        """The figure of that name that counts; see :func:`pick`."""
        return pick(self.figures, name, source, subject)

    @property
    def equal(self) -> bool:
        """Whether checks were made and none of them found a difference."""
        return bool(self.checks) and all(check.equal for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        return {"schema": SCHEMA, "version": VERSION, **msgspec.to_builtins(self)}

    @classmethod
    def from_dict(cls, value: Any, where: str = "the report") -> Report:
        """The report that :meth:`to_dict` made these plain values from.

        In a report of version 1 the subject of each figure is assumed from its source and tool, which is logged;
        see :mod:`quantunet_hls.reports.subject`.

        Args:
            value: what JSON gave.
            where: what to call it in an error.

        Raises:
            ConfigurationError: anything else than a sound report of a known version, with the place of the fault.
        """
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise ConfigurationError(f"{where} is no report of this package; name a JSON file that it wrote.")
        version = value.get("version")
        if isinstance(version, bool) or version not in (_WITHOUT_SUBJECTS, VERSION):
            raise ConfigurationError(
                f"{where} has version {str(version)[:20]!r} of the report schema and this package reads versions "
                f"{_WITHOUT_SUBJECTS} and {VERSION}; write the report anew or use the package that wrote it."
            )
        try:
            msgspec.json.encode(value)
        except (UnicodeEncodeError, RecursionError) as error:
            raise ConfigurationError(f"{where} has what no JSON can have ({error}); write the report anew.") from error
        if version == _WITHOUT_SUBJECTS:
            value = with_subjects(value, where)
        # Earlier reports don't say what was asked for.
        members = {"asked": {}, **{name: member for name, member in value.items() if name not in ("schema", "version")}}
        return converted(cls, members, f"{where} is no sound report", "write the report anew", complete=True)

    def save(self, path: Path) -> None:
        """Write the report as JSON, whole or not at all.

        Raises:
            QuantUNetError: where the file system refuses.
        """
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: Path) -> Report:
        """Read a report.

        Raises:
            ConfigurationError: an absent or damaged file, or one that is no report of a known version.
        """
        return cls.from_dict(read_json(path, _LARGEST_FILE, what="a report"), str(path))
