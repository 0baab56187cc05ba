"""A comparison as a table for the terminal, as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from quantunet_hls.compare.cells import Cell, Mark, Row, telling
from quantunet_hls.compare.comparison import Comparison, Design
from quantunet_hls.compare.verdicts import Verdict, notes_of
from quantunet_hls.core.printable import csv_cell, markdown_text, printable
from quantunet_hls.reports.amounts import amount, bare_amount
from quantunet_hls.reports.grid import Column, Grid
from quantunet_hls.reports.names import RATIO
from quantunet_hls.reports.render import beyond_part

__all__ = ["change_text", "csv_text", "json_value", "markdown", "overview", "told_apart", "value_text"]

#: With more designs than this a table has a row for each of them, not a column.
FEW = 4

_SIGNS = {Mark.TOOL: "†", Mark.VERSION: "‡", Mark.SOURCE: "≠", Mark.SUBJECT: "≠"}
_COLOURS = {True: "green", False: "red", None: "dim"}


def value_text(cell: Cell) -> str:
    """The figure without its unit, which the row tells; seconds have theirs, for it changes with the size."""
    figure = cell.figure
    return "–" if figure is None else bare_amount(figure.value, figure.unit)


def change_text(cell: Cell) -> str:
    """How far the figure is from the baseline's: "=", "+5.3 %", "−0.61 pt" for ratios, "" where not compared."""
    if cell.figure is None or cell.difference is None:
        return ""
    if cell.difference == 0:
        return "="
    if cell.figure.unit == RATIO:
        return f"{cell.difference * 100:+.2f} pt".replace("-", "−").replace(" ", "\N{NO-BREAK SPACE}")
    if cell.change is None:
        return "new"
    percent = f"{cell.change * 100:+.0f}" if abs(cell.change) >= 0.995 else f"{cell.change * 100:+.2g}"
    return f"{percent}\N{NO-BREAK SPACE}%".replace("-", "−")


def overview(comparison: Comparison, *, every: bool = False) -> RenderableType:
    """The figures that matter most, or all, side by side, with what the marks in them mean.

    Args:
        comparison: of the designs.
        every: a row for each source and tool, instead of one figure of each name.
    """
    rows = comparison.every if every else comparison.headline
    designs = comparison.designs
    title = f"{len(designs)} designs" if len(designs) > 1 else None
    if len(designs) > FEW and not every:
        table = _tall(comparison, rows, title)
    else:
        table = Grid((Column("Figure"), Column("Source"), *(
            Column(_label(design, "\nbaseline" if title and i == comparison.baseline else ""), figures=True)
            for i, design in enumerate(designs))), [
                (row.heading, _origin(row, with_tool=every), *(_terminal(cell) for cell in row.cells)) for row in rows],
            title)
    lines = [Text(printable(line)) for line in _legend(rows)]
    lines += [Text(printable(f"Differs: {title}: {told_apart(values)}")) for title, values in comparison.differences()]
    beyond = [Text(printable(f"{design.label}: {line}."), "bold red")
              for design in designs for line in beyond_part(design.report.figures)]
    return Group(table, *beyond, *lines)


def _origin(row: Row, *, with_tool: bool) -> str:
    if with_tool:
        return f"{row.origin}, {row.tool or row.figures[0].tool}"
    return row.origin or "see below"


def _label(design: Design, more: str) -> Text:
    return Text(printable(design.label)).append(more, "dim")


def told_apart(values: Sequence[str]) -> str:
    """One value a design, in their order; of many designs how many have each value."""
    if len(values) <= FEW:
        return " | ".join(values)
    return ", ".join(f"{value} ({count})" for value, count in Counter(values).most_common())


def _tall(comparison: Comparison, rows: Sequence[Row], title: str | None) -> Grid:
    return Grid((Column("Design"), *(Column(f"{row.title}\n{row.origin or 'mixed'}", figures=True) for row in rows)), [
        (_label(design, " (baseline)" if i == comparison.baseline else ""), *(_terminal(row.cells[i]) for row in rows))
        for i, design in enumerate(comparison.designs)], title)


def _signs(cell: Cell) -> str:
    return ("!" if cell.missed else "") + _SIGNS.get(cell.mark, "")


def _terminal(cell: Cell) -> Text:
    text = Text(value_text(cell) + _signs(cell))
    if cell.figure is not None and cell.figure.share is not None:
        text.append(f" ({cell.figure.share:.1%})", "dim")
    change = change_text(cell)
    if change:
        text.append(f" {change}", _COLOURS[cell.better])
    return text


def _legend(rows: Sequence[Row]) -> Iterator[str]:
    """What the marks mean that stand in the rows, and what of."""
    marks = {cell.mark for row in rows for cell in row.cells}
    if any(figure.share is not None for row in rows for figure in row.figures):
        yield "In brackets: the share of the part."
    if any(cell.missed for row in rows for cell in row.cells):
        yield "! is longer than the clock aimed at, which is missed."
    if marks & {Mark.SOURCE, Mark.SUBJECT}:
        yield "≠ is of another design or from another source than the baseline's, so it is not compared:"
    for row in rows:
        if row.origin is None:
            known = "; ".join(dict.fromkeys(f"{amount(f.value, f.unit)}: {f.provenance}" for f in row.figures))
            yield f"  {row.title}: {known}"
    for mark in (Mark.TOOL, Mark.VERSION):
        named = [f"{row.title} ({', '.join(dict.fromkeys(figure.program for figure in row.figures))})"
                 for row in rows if any(cell.mark is mark for cell in row.cells)]
        if named:
            yield f"{_SIGNS[mark]} is from {mark} than the baseline's: {', '.join(named)}"


def markdown(comparison: Comparison, verdicts: Sequence[Verdict] = ()) -> str:
    """The comparison for a pull request: rules, figures, and each layer folded away."""
    designs = comparison.designs
    lines = ["## Designs compared", ""]
    if verdicts:
        broken = [verdict for verdict in verdicts if verdict.violated]
        lines += [f"**{len(broken)} of {len(verdicts)} checks failed.**" if broken else
                  f"All {len(verdicts)} checks passed.", ""]
        lines += [f"- **failed** {_code(verdict.rule.text)}: {markdown_text(verdict.sentence)}" for verdict in broken]
        kept = Counter(verdict.rule.text for verdict in verdicts if not verdict.violated)
        lines += [f"- passed {_code(text)}" + (f" ({count} times)" if count > 1 else "")
                  for text, count in kept.items()]
        lines += [f"- note: {markdown_text(note)}" for note in notes_of(verdicts)]
        lines.append("")
    lines += _markdown_table(comparison, comparison.headline, "Figure")
    lines += [f"- {markdown_text(line.strip())}" for line in _legend(comparison.headline)]
    differences = comparison.differences()
    if differences:
        lines += ["", "### What sets them apart", "", _markdown_row(["", *(design.label for design in designs)]),
                  "|---" * (len(designs) + 1) + "|"]
        lines += [_markdown_row([title, *values]) for title, values in differences]
    for rows in telling(comparison.layer_tables):
        lines += ["", "<details>", f"<summary>{rows[0].title}, layer by layer</summary>", ""]
        lines += _markdown_table(comparison, rows, "Layer")
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def _markdown_table(comparison: Comparison, rows: Sequence[Row], first: str) -> list[str]:
    labels = [f"{design.label} (baseline)" if i == comparison.baseline and len(comparison.designs) > 1
              else design.label for i, design in enumerate(comparison.designs)]
    lines = [_markdown_row([first, "Source", *labels]), "|---|---" + "|--:" * len(labels) + "|"]
    for row in rows:
        title = row.layer or row.heading
        origin = f"{row.origin}, {row.tool or 'several tools'}" if row.origin else "several, not compared"
        lines.append(_markdown_row([title, origin, *(_plain(cell) for cell in row.cells)]))
    return lines


def _plain(cell: Cell) -> str:
    share = f" ({cell.figure.share:.1%})" if cell.figure is not None and cell.figure.share is not None else ""
    change = change_text(cell)
    return f"{value_text(cell)}{_signs(cell)}{share}{f' {change}' if change else ''}"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(markdown_text, cells)) + " |"


def _code(text: str) -> str:
    return "`" + printable(text).replace("`", "'").replace("|", "/") + "`"


_COLUMNS = ("design", "layer", "kind", "figure", "value", "unit", "subject", "source", "tool", "tool_version",
            "available", "share", "baseline", "change", "mark")


def csv_text(comparison: Comparison) -> str:
    """One row for every figure of every design and layer, with its baseline where there is one to compare with."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in _all_rows(comparison):
        for design, cell in zip(comparison.designs, row.cells, strict=True):
            if cell.figure is not None:
                record = _record(design.label, row, cell)
                writer.writerow({name: csv_cell(value) for name, value in record.items()})
    return stream.getvalue()


def _all_rows(comparison: Comparison) -> Iterator[Row]:
    yield from comparison.every
    for rows in comparison.layer_tables:
        yield from rows


def _record(label: str, row: Row, cell: Cell) -> dict[str, Any]:
    figure = cell.figure
    assert figure is not None
    compared = cell.difference is not None and cell.baseline is not None
    return {
        "design": label, "layer": row.layer, "kind": row.kind, "figure": row.name, "value": figure.value,
        "unit": figure.unit, "subject": str(figure.subject), "source": str(figure.source), "tool": figure.tool,
        "tool_version": figure.tool_version,
        "available": figure.available, "share": figure.share,
        "baseline": cell.baseline.value if compared and cell.baseline else None,
        "change": cell.change if compared else None, "mark": str(cell.mark),
    }


def json_value(comparison: Comparison, verdicts: Sequence[Verdict] = ()) -> dict[str, Any]:
    """The comparison as plain values, for other programs."""
    return {
        "schema": "quantunet-hls/comparison",
        "version": 2,
        "written_by": f"quantunet-hls {version('quantunet-hls')}",
        "baseline": comparison.designs[comparison.baseline].label,
        "designs": [
            {"label": design.label, "origin": design.origin, "name": design.report.name,
             "created": design.report.created, "network": asdict(design.report.network),
             "target": asdict(design.report.target), "tools": dict(design.report.tools)}
            for design in comparison.designs
        ],
        "differences": [{"what": title, "values": list(values)} for title, values in comparison.differences()],
        "figures": [
            _record(design.label, row, cell)
            for row in _all_rows(comparison)
            for design, cell in zip(comparison.designs, row.cells, strict=True) if cell.figure is not None
        ],
        "rules": [
            {"rule": verdict.rule.text, "design": verdict.design, "layer": verdict.layer,
             "violated": verdict.violated, "found": verdict.sentence, "notes": list(verdict.notes)}
            for verdict in verdicts
        ],
    }
