"""Reports as tables for the terminal: renderables of rich, for whoever prints them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from quantunet_hls.core.printable import printable
from quantunet_hls.reports.amounts import amount, heading, short_unit
from quantunet_hls.reports.figure import Figure, Source, Subject
from quantunet_hls.reports.grid import Column, Grid, Section
from quantunet_hls.reports.names import FIGURES, RATIO, kind_of, rank_of
from quantunet_hls.reports.schema import Check, Report

__all__ = ["beyond_part", "checks", "layers", "pairs", "report", "totals"]

_SECTIONS = {Subject.RTL: "RTL", Subject.CPP: "C++ (hls4ml)", Subject.NETWORK: "Network",
             Subject.UNSTATED: "Of which design is not stated"}


def _share(figure: Figure) -> Text:
    if figure.share is None:
        return Text()
    return Text(f"{figure.share:.1%} of {figure.available:,}", "bold red" if figure.share > 1 else "")


def totals(figures: Iterable[Figure], title: str = "Design") -> RenderableType:
    """What is known of the RTL, of the C++ and of the network: each thing once, from the most binding source.

    Below stand the tools, and what takes more than the part has.
    """
    figures = tuple(figures)
    rows: list[Sequence[str | Text] | Section] = []
    tools: list[str] = []
    for subject in Subject:
        chosen = _once(figure for figure in figures if figure.subject is subject)
        if not chosen:
            continue
        rows.append(Section(_SECTIONS[subject]))
        rivals = [figure.name for figure in chosen]
        for figure in chosen:
            # Accuracies are of several networks, whose names stand where the tool's does.
            of = f" ({figure.tool})" if rivals.count(figure.name) > 1 else ""
            rows.append((f"  {_title(figure, rivals)}{of}", _value(figure), _share(figure), str(figure.source)))
        tools += [f"{origin}: {'; '.join(by)}." for origin, by in _tools(chosen).items()]
    columns = (Column("Figure"), Column("Value", figures=True), Column("Share", figures=True), Column("Source"))
    beyond = [Text(f"Warning: {line}.", "bold red") for line in beyond_part(figures)]
    return Group(Grid(columns, rows, title), *beyond, *(Text(printable(line), "dim") for line in tools))


def _once(figures: Iterable[Figure]) -> list[Figure]:
    """The figures of one design: of each name those of the most binding source, and nothing in two units."""
    ranks = list(Source)
    best: dict[str, list[Figure]] = {}
    for figure in figures:
        known = best.setdefault(figure.name, [])
        if known and known[0].source is not figure.source:
            if ranks.index(figure.source) < ranks.index(known[0].source):
                continue
            known.clear()
        known.append(figure)

    def said(name: str) -> bool:
        """The same in seconds, or the least of a range whose most is equal."""
        kind = kind_of(name)
        return kind.in_cycles in best or (kind.most in best and best[kind.most][0].value == best[name][0].value)

    kept = [figure for name, known in best.items() if not said(name) for figure in known]
    # How fast it is, a person wants to know first.
    return sorted(kept, key=lambda figure: (figure.unit != "frames/s", figure.unit != "cycles", rank_of(figure.name)))


def _title(figure: Figure, told: Sequence[str]) -> str:
    """Without "most" where the least is not told, for then it says nothing."""
    title = kind_of(figure.name).title
    return title if any(kind_of(name).most == figure.name for name in told) else title.removesuffix(", most")


def _value(figure: Figure) -> str:
    """With what of the unit the title doesn't say."""
    unit = short_unit(figure.unit)
    if figure.unit == "s" or unit == figure.unit:
        return amount(figure.value, figure.unit)
    return amount(figure.value, f"x {unit}" if unit else RATIO)


def _tools(figures: Iterable[Figure]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for figure in figures:
        tool = f"{figure.tool} {figure.tool_version}".strip()
        by = found.setdefault(figure.origin, [])
        if tool not in by:
            by.append(tool)
    return found


def beyond_part(figures: Iterable[Figure]) -> list[str]:
    """For each design and source a line on what takes more than the part has of it."""
    groups: dict[str, list[Figure]] = {}
    for figure in figures:
        if figure.share is not None and figure.share > 1:
            groups.setdefault(figure.origin, []).append(figure)
    return [f"more than the part has ({origin}): " + ", ".join(
        f"{amount(figure.value, figure.unit)}, {figure.share:.1%} of {figure.available:,}" for figure in found)
        for origin, found in groups.items()]


def layers(report: Report, source: Source) -> RenderableType | None:
    """What one source says of each layer, None where it says nothing of any; a table for each design."""
    tables = [table for subject in Subject if (table := _layers(report, source, subject)) is not None]
    return Group(*tables) if tables else None


def _layers(report: Report, source: Source, subject: Subject) -> Grid | None:
    told = [kind for kind in FIGURES.values() if kind.of_layers]
    rows = [(layer, {kind: layer.figure(kind.name, source, subject) for kind in told}) for layer in report.layers]
    rows = [(layer, found) for layer, found in rows if any(found.values())]
    columns = [kind for kind in told if any(found[kind] for _, found in rows)]
    if not columns:
        return None
    origin = next(figure.origin for _, found in rows for figure in found.values() if figure is not None)
    return Grid((Column("Layer"), Column("Kind"), *(Column(heading(kind), figures=True) for kind in columns)),
                [(layer.name, layer.kind, *("" if (figure := found[kind]) is None else amount(figure.value, RATIO)
                                            for kind in columns)) for layer, found in rows], f"Layers: {origin}")


def checks(found: Iterable[Check]) -> RenderableType:
    """The executors compared and how many values differ."""
    columns = (Column("Reference"), Column("Candidate"), Column("Layer"), Column("Values", figures=True),
               Column("Differing", figures=True))
    return Grid(columns, [(check.reference, check.candidate, "(output)" if check.layer is None else check.layer,
                           f"{check.values:,}", Text(f"{check.differing:,}", "green" if check.equal else "bold red"))
                          for check in found], "Differing values")


def pairs(found: Iterable[Check]) -> RenderableType:
    """The checks summed up: a row for each pair of executors, and the layers of it that differ."""
    paired: dict[tuple[str, str], list[Check]] = {}
    for check in found:
        paired.setdefault((check.reference, check.candidate), []).append(check)
    wrong = {pair: [check for check in of_pair if not check.equal] for pair, of_pair in paired.items()}
    columns = [Column("Reference"), Column("Candidate"), *(Column(heading, figures=True) for heading in
                                                          ("Layers", "Values", "Differing"))]
    if any(wrong.values()):
        columns.append(Column("First at"))
    rows = []
    for pair, of_pair in paired.items():
        differing = Text(f"{sum(check.differing for check in of_pair):,}", "bold red" if wrong[pair] else "green")
        first = (wrong[pair][0].layer or "(output)") if wrong[pair] else ""
        values = f"{sum(check.values for check in of_pair):,}"
        rows.append((*pair, f"{len(of_pair)}", values, differing, first)[:len(columns)])
    return Grid(columns, rows, "Differing values")


def report(value: Report) -> RenderableType:
    """The whole report: checks, totals, and one table of layers for each source and design that it knows of."""
    target = f"{value.target.board or value.target.part}, {value.target.clock_ns:g} ns"
    parts: list[RenderableType] = []
    if value.checks:
        parts.append(checks(value.checks))
    if value.figures:
        parts.append(totals(value.figures, f"{value.name} on {target}"))
    parts += (table for table in (layers(value, source) for source in Source) if table is not None)
    return Group(*parts)
