"""What was found of a design that others built, and the report that it makes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from quantunet_hls.reports.figure import Figure
from quantunet_hls.reports.schema import LayerReport, Network, Report, Target

__all__ = ["Found", "network_of"]


@dataclass(frozen=True)
class Found:
    """What reports in the form of another program say of a design.

    Attributes:
        network: with its name, and what else is known of it.
        part: that the design was made for, "" where no report tells.
        clock_ns: period aimed at, 0 where no report tells, and for logic without a clock.
        figures: of the whole design.
        files: read, one at least.
        layers: in the order in which they were told.
    """

    network: Network
    part: str
    clock_ns: float
    figures: tuple[Figure, ...]
    files: tuple[Path, ...]
    layers: tuple[LayerReport, ...] = ()

    def report(self, folder: Path) -> Report:
        """As a report of this package, made when the newest of the files was written.

        Args:
            folder: that it speaks of.
        """
        newest = max(path.stat().st_mtime for path in self.files)
        return Report(
            name=self.network.name,
            created=datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds"),
            network=self.network,
            target=Target(None, self.part or "unknown", self.clock_ns),
            layers=self.layers,
            figures=self.figures,
            tools={figure.tool: figure.tool_version for figure in self.figures},
            files={path.name: Path(os.path.relpath(path, folder)).as_posix() for path in self.files},
        )


def network_of(folder: Path) -> Network:
    """The network that a folder is named after, where it has a name that can be shown."""
    return Network(folder.name if folder.name and folder.name.isprintable() else "design")
