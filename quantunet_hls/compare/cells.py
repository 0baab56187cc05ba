"""One figure of several designs: what each has, beside the baseline's, and what sets the two apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from quantunet_hls.reports.amounts import heading
from quantunet_hls.reports.figure import Figure
from quantunet_hls.reports.names import Better, kind_of

__all__ = ["Cell", "Mark", "Row", "telling"]


class Mark(StrEnum):
    """Why a figure is not simply comparable with the baseline's."""

    NONE = ""
    VERSION = "other tool version"
    TOOL = "other tool"
    SOURCE = "other source, not compared"
    SUBJECT = "other design, not compared"


@dataclass(frozen=True)
class Cell:
    """What one design has of a figure, beside the baseline's.

    Attributes:
        figure: None where the design has none.
        baseline: what to compare it with; None for the baseline itself, and where the baseline has none.
        missed: whether the figure is a clock period longer than the one aimed at.
    """

    figure: Figure | None
    baseline: Figure | None = None
    missed: bool = False

    @property
    def mark(self) -> Mark:
        """What sets the figure apart from the baseline's."""
        if self.figure is None or self.baseline is None:
            return Mark.NONE
        if self.figure.subject is not self.baseline.subject:
            return Mark.SUBJECT
        if self.figure.source is not self.baseline.source:
            return Mark.SOURCE
        if self.figure.tool != self.baseline.tool:
            return Mark.TOOL
        return Mark.NONE if self.figure.tool_version == self.baseline.tool_version else Mark.VERSION

    @property
    def apart(self) -> bool:
        """Whether it is of another design or from another source than the baseline's."""
        return self.mark in (Mark.SOURCE, Mark.SUBJECT)

    @property
    def difference(self) -> float | None:
        """In the figure's unit; None where there is nothing of the same design and source to compare with."""
        if self.figure is None or self.baseline is None or self.apart:
            return None
        return self.figure.value - self.baseline.value

    @property
    def change(self) -> float | None:
        """The difference as a share of the baseline's (0.05 is 5 % more); None where that says nothing."""
        if self.difference is None or self.baseline is None:
            return None
        if self.difference == 0:
            return 0.0
        return self.difference / abs(self.baseline.value) if self.baseline.value else None

    @property
    def better(self) -> bool | None:
        """Whether the design is ahead of the baseline; None where equal, unknown, or a matter of taste."""
        if not self.difference or self.figure is None:
            return None
        better = kind_of(self.figure.name).better
        return None if better is Better.NEITHER else (self.difference > 0) == (better is Better.MORE)


@dataclass(frozen=True)
class Row:
    """One figure of all designs.

    Attributes:
        name: of the figure.
        layer: name of the layer, None for the design as a whole.
        kind: of the layer.
        cells: one a design, in their order.
    """

    name: str
    cells: tuple[Cell, ...]
    layer: str | None = None
    kind: str = ""

    @property
    def title(self) -> str:
        """What people call the figure."""
        return kind_of(self.name).title

    @property
    def heading(self) -> str:
        """The title with the unit, as short as a table wants it."""
        return heading(kind_of(self.name, self.unit))

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Those that are known."""
        return tuple(cell.figure for cell in self.cells if cell.figure is not None)

    @property
    def unit(self) -> str:
        """Of the figure; "1" is a ratio."""
        return self.figures[0].unit

    @property
    def origin(self) -> str | None:
        """Which design the figures are of and where they come from, None where that is not the same for all."""
        origins = {figure.origin for figure in self.figures}
        return origins.pop() if len(origins) == 1 else None

    @property
    def tool(self) -> str | None:
        """The tool with its version, None where that is not the same for all."""
        tools = {figure.program for figure in self.figures}
        return tools.pop() if len(tools) == 1 else None

    @property
    def differs(self) -> bool:
        """Whether one design is not as the baseline is."""
        return any(cell.difference or cell.apart for cell in self.cells)


def telling(tables: Iterable[tuple[Row, ...]]) -> tuple[tuple[Row, ...], ...]:
    """The tables in which a figure is not zero."""
    return tuple(rows for rows in tables if any(figure.value for row in rows for figure in row.figures))
