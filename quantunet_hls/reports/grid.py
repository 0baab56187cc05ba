"""Tables that cut no figure: where columns have no room beside one another, each row becomes a block of lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from quantunet_hls.core.printable import printable

__all__ = ["Column", "Grid", "Section"]

#: Columns of the screen in which a text may be folded.
_LEAST_TEXT = 12


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: above it; may have several lines.
        figures: whether it holds figures, which are never broken, at the right.
        names: whether it holds names, which are never broken either.
    """

    title: str | Text
    figures: bool = False
    names: bool = False


@dataclass(frozen=True)
class Section:
    """A line between rows that says what the following ones are about."""

    title: str


class Grid:
    """A table for the terminal, as wide as there is room."""

    def __init__(self, columns: Sequence[Column], rows: Iterable[Sequence[str | Text] | Section],
                 title: str | None = None):
        """Take the content; a text is shown as it is, its control characters as escapes.

        Args:
            columns: of the table; the first says what a row is about.
            rows: a cell for each column, or the begin of a section.
            title: above all.
        """
        self._columns = [(_plain(column.title, keep="\n"), column.figures) for column in columns]
        self._whole = [column.figures or column.names for column in columns]
        self._rows = [row if isinstance(row, Section) else [_plain(cell) for cell in row] for row in rows]
        self._title = Text(printable(title), "italic") if title else None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table where it has room, else the blocks."""
        widths = self._widths(options.max_width)
        yield from self._blocks() if widths is None else [self._table(widths)]

    def _widths(self, room: int) -> list[int] | None:
        """Of each column, None where the figures don't fit."""
        cells = [row for row in self._rows if not isinstance(row, Section)]
        natural, least = [], []
        for i, (title, _) in enumerate(self._columns):
            longest = max((_width(row[i]) for row in cells), default=0)
            natural.append(max(longest, _width(title), 1))
            if not i:
                natural[0] = max([natural[0], *(cell_len(row.title) for row in self._rows if isinstance(row, Section))])
            least.append(max(longest, 1) if self._whole[i] else min(natural[-1], _LEAST_TEXT))
        # A space on each side of every column, and the box's own between and around them.
        room -= 3 * len(self._columns) + 1
        if sum(least) > room:
            return None
        # What is left goes to texts first, then to headings of figures; in each to whoever lacks most.
        for group in (False, True):
            while (left := room - sum(least)) > 0:
                lacking = {i: natural[i] - least[i] for i, (_, figures) in enumerate(self._columns) if figures is group}
                i = max(lacking, key=lacking.__getitem__, default=0)
                if not lacking.get(i):
                    break
                least[i] += max(1, min(left, lacking[i]) // 2)
        return least

    def _table(self, widths: Sequence[int]) -> Table:
        table = Table(box=box.SIMPLE_HEAD, title=self._title)
        for (title, figures), width in zip(self._columns, widths, strict=True):
            table.add_column(title, justify="right" if figures else "left", overflow="fold", width=width)
        for row in self._rows:
            if isinstance(row, Section):
                table.add_section()
                table.add_row(Text(printable(row.title), "bold"))
            else:
                table.add_row(*row)
        return table

    def _blocks(self) -> Iterable[Text]:
        """A block for each row: its first cell, and under it the others with their columns' titles."""
        if self._title is not None:
            yield self._title
        for row in self._rows:
            if isinstance(row, Section):
                yield Text(f"\n{printable(row.title)}", "bold", overflow="fold")
                continue
            yield Text(overflow="fold").append_text(row[0])
            for (title, _), cell in zip(self._columns[1:], row[1:], strict=False):
                if cell.plain:
                    name = " ".join(title.plain.split())
                    yield Text(f"    {name}: " if name else "    ", overflow="fold").append_text(cell)


def _plain(text: str | Text, keep: str = "") -> Text:
    return text if isinstance(text, Text) else Text(printable(text, keep=keep))


def _width(text: Text) -> int:
    return max((cell_len(line) for line in text.plain.split("\n")), default=0)
