"""Reports as tables for the terminal: renderables of rich, for whoever prints them."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Check, Figure, Report, Source

__all__ = ["amount", "checks", "layers", "report", "stages", "totals"]

_LAYER_COLUMNS = (
    names.LUT,
    names.FF,
    names.DSP,
    names.BRAM_18K,
    names.URAM,
    names.LUTRAM,
    names.LATENCY_CYCLES_MAX,
    names.INTERVAL_CYCLES_MAX,
)
_PREFIXES = ((1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def amount(value: float, unit: str) -> str:
    """A number with its unit, short enough to read: 12,345 LUTs, 1.23 ms, 338.6 frames/s."""
    if unit == "s":
        scale, prefix = next((pair for pair in _PREFIXES if abs(value) >= pair[0]), _PREFIXES[0])
        return f"{value / scale:.4g} {prefix}s"
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return number if unit == "1" else f"{number} {unit}"


def _share(figure: Figure) -> str:
    if figure.share is None:
        return ""
    return f"{figure.share:.1%} of {figure.available:,}"


def totals(figures: Iterable[Figure], title: str = "Design") -> Table:
    """A design's figures with their shares of the part, under the source and tool that each group comes from."""
    table = Table(title=Text(title), box=box.SIMPLE_HEAD)
    table.add_column("Figure")
    for heading in ("Value", "Of the part"):
        table.add_column(heading, justify="right", no_wrap=True)
    ranks, sources = {name: rank for rank, name in enumerate(names.UNITS)}, list(Source)
    groups: dict[tuple[Source, str], list[Figure]] = {}
    for figure in sorted(figures, key=lambda figure: sources.index(figure.source), reverse=True):
        groups.setdefault((figure.source, f"{figure.tool} {figure.tool_version}".strip()), []).append(figure)
    for (source, tool), members in groups.items():
        table.add_section()
        table.add_row(Text(f"{source}, {tool}", "bold"))
        for figure in sorted(members, key=lambda figure: ranks.get(figure.name, len(ranks))):
            title_of = names.TITLES.get(figure.name, figure.name)
            table.add_row(f"  {title_of}", amount(figure.value, figure.unit), _share(figure))
    return table


def layers(report: Report, source: Source) -> Table | None:
    """What one source says of each layer, None where it says nothing of any."""
    rows = [(layer, {name: layer.figure(name, source) for name in _LAYER_COLUMNS}) for layer in report.layers]
    rows = [(layer, found) for layer, found in rows if any(found.values())]
    columns = [name for name in _LAYER_COLUMNS if any(found[name] for _, found in rows)]
    if not columns:
        return None
    table = Table("Layer", "Kind", title=f"Layers: {source}")
    for name in columns:
        unit = f" ({names.UNITS[name]})" if names.UNITS[name] == "cycles" else ""
        table.add_column(names.TITLES[name] + unit, justify="right")
    for layer, found in rows:
        figures = (found[name] for name in columns)
        numbers = ("" if figure is None else f"{figure.value:,}" for figure in figures)
        table.add_row(Text(layer.name), Text(layer.kind), *numbers)
    return table


def checks(found: Iterable[Check]) -> Table:
    """The stages compared and how many values differ."""
    table = Table("Reference", "Candidate", "Layer", title="Differing values")
    for heading in ("Values", "Differing"):
        table.add_column(heading, justify="right")
    for check in found:
        differing = Text(f"{check.differing:,}", "green" if check.equal else "bold red")
        layer = "(output)" if check.layer is None else check.layer
        table.add_row(Text(check.reference), Text(check.candidate), Text(layer), f"{check.values:,}", differing)
    return table


def stages(found: Iterable[Check]) -> Table:
    """The checks summed up: a row for each pair of stages, and the layers of it that differ."""
    pairs: dict[tuple[str, str], list[Check]] = {}
    for check in found:
        pairs.setdefault((check.reference, check.candidate), []).append(check)
    table = Table(title="Differing values", box=box.SIMPLE_HEAD)
    for heading in ("Reference", "Candidate"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Layers", "Values", "Differing"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("First at")
    for (reference, candidate), checks_of_pair in pairs.items():
        wrong = [check for check in checks_of_pair if not check.equal]
        differing = Text(f"{sum(check.differing for check in wrong):,}", "bold red" if wrong else "green")
        values = f"{sum(check.values for check in checks_of_pair):,}"
        first = (wrong[0].layer or "(output)") if wrong else ""
        table.add_row(Text(reference), Text(candidate), f"{len(checks_of_pair)}", values, differing, Text(first))
    return table


def report(value: Report) -> RenderableType:
    """The whole report: checks, totals, and one table of layers for each source that knows of them."""
    target = f"{value.target.board or value.target.part}, {value.target.clock_ns:g} ns"
    parts: list[RenderableType] = []
    if value.checks:
        parts.append(checks(value.checks))
    if value.figures:
        parts.append(totals(value.figures, f"{value.name} on {target}"))
    parts += (table for table in (layers(value, source) for source in Source) if table is not None)
    return Group(*parts)
