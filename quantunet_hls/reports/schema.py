"""The one form of all reports, and of their files; with the figures that they hold, for whoever measures.

A report is a value: frozen, equal to another with the same content, and the same
again after it went through JSON. What is not known is absent, never a zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from quantunet_hls.core.decode import converted
from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import read_json, write_json
from quantunet_hls.reports.figure import LARGEST, Figure, Source, Subject, pick, stated
from quantunet_hls.reports.version1 import with_subjects

__all__ = ["SCHEMA", "VERSION", "Check", "Figure", "LayerReport", "Network", "Report", "Source", "Subject", "Target",
           "pick", "stated"]

#: What the member "schema" of every report's JSON says.
SCHEMA = "quantunet-hls/report"

#: Raised whenever an older reader could misunderstand a newer report. Version 1 didn't say of which design a figure is.
VERSION = 2

_WITHOUT_SUBJECTS = 1

#: Bytes; a report of a thousand layers has less than 3 MB.
_LARGEST_FILE = 100_000_000

#: Whole numbers that SQLite and most readers of JSON take, and numbers that a design can have.
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Size = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Amount = Annotated[float, msgspec.Meta(ge=0, le=LARGEST)]


@dataclass(frozen=True)
class Check:
    """Two executors that were given the same images, compared integer by integer.

    Attributes:
        reference: the executor that is held to be right.
        candidate: the executor that must equal it.
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


def _no_twins(figures: Iterable[Figure], where: str) -> None:
    seen = set()
    for figure in figures:
        if figure.key in seen:
            raise ValueError(f"{where} has the figure {figure.name!r} ({figure.subject}, {figure.source}, "
                             f"{figure.tool}) twice")
        seen.add(figure.key)


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
Told = bool | str | int | float | list[str | int | float]


@dataclass(frozen=True)
class Report:
    """All that is known of one network on one part: of its C++, and of its RTL where there is one.

    Attributes:
        name: of the design.
        created: time in UTC, ISO 8601, with its offset ("2026-01-31T12:00:00+00:00").
        network: what was built.
        target: what it was built for.
        asked: options of the design that were not left at their defaults, by name; {} where nobody says.
        names: for each layer whose name is not the network's what the network calls it, and for the design likewise
            what was asked for; {} where nobody says.
        checks: executors compared.
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
    names: Mapping[str, str] = field(default_factory=dict)
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
        see :mod:`quantunet_hls.reports.version1`.

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
        # Earlier reports don't say what was asked for, nor what the network calls a layer.
        given = {name: member for name, member in value.items() if name not in ("schema", "version")}
        members = {"asked": {}, "names": {}, **given}
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
