"""Vivado's text reports: ``report_utilization``, flat and hierarchical, ``report_timing_summary``, ``report_power``.

The form is that of the user guides UG835 and UG906. Columns are found by their
headings, for they differ between versions ("Prohibited" came later) and between
families (slices on 7-series parts, CLBs on UltraScale ones). A block RAM tile
has 36 kbit and counts as two blocks of 18 kbit here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from quantunet_hls.core.errors import StepError
from quantunet_hls.reports import names
from quantunet_hls.reports.figure import Figure, Source
from quantunet_hls.reports.parsers.numbers import count, number, period

__all__ = ["BLOCKS_PER_TILE", "Cell", "Header", "parse_hierarchy", "parse_power", "parse_timing", "parse_utilization"]

_TOOL = "Vivado"

_SITES = {
    "Slice LUTs": names.LUT,
    "CLB LUTs": names.LUT,
    "LUT as Memory": names.LUTRAM,
    "Slice Registers": names.FF,
    "CLB Registers": names.FF,
    "Block RAM Tile": names.BRAM_18K,
    "URAM": names.URAM,
    "DSPs": names.DSP,
}

#: Blocks of 18 kbit in a tile of block RAM.
BLOCKS_PER_TILE = 2

# "8354", "322.5", or "8354(0.64%)" where percentages were asked for.
_COUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:\s*\([^)]*\))?")
_VERSION = re.compile(r"Vivado v\.?(\d{4}\.\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Header:
    """The head of a report.

    Attributes:
        version: of Vivado, "" where it does not say.
        device: as the report writes it.
        state: of the design: "Synthesized", "Routed" and so on, "" where it does not say, as the timing
            reports of Vivado 2019 don't.
        design: name of its top module, "" where it does not say.
        presumed: what figures are where the report does not say the state: the flow that asked for it may know.
    """

    version: str
    device: str
    state: str
    design: str = ""
    presumed: Source = Source.MAPPED

    @property
    def source(self) -> Source:
        """What figures of a design in this state are: a placement alone does not bind the routing yet."""
        if not self.state:
            return self.presumed
        return Source.ROUTED if "route" in self.state.lower() else Source.MAPPED


@dataclass(frozen=True)
class Cell:
    """One row of the hierarchical report.

    Attributes:
        instance: name of the instance.
        module: name of its module.
        depth: 0 for the top, 1 for what stands in it, and so on.
        figures: of the instance with all that stands in it.
    """

    instance: str
    module: str
    depth: int
    figures: tuple[Figure, ...]


def _header(text: str, presumed: Source) -> Header:
    fields = dict(re.findall(r"^\| *(Tool Version|Device|Design State|Design) *: *(.*?) *$", text, re.MULTILINE))
    version = _VERSION.search(fields.get("Tool Version", ""))
    return Header(version.group(1) if version else "", fields.get("Device", ""), fields.get("Design State", ""),
                  fields.get("Design", ""), presumed)


def _rows(text: str) -> Iterator[list[str]]:
    """The rows of all tables, each cell with its indentation but without its padding."""
    for line in text.splitlines():
        if line.startswith("|") and line.rstrip().endswith("|"):
            yield [cell.removeprefix(" ").rstrip() for cell in line.strip()[1:-1].split("|")]


def _count(text: str, where: str) -> int | float | None:
    found = _COUNT.fullmatch(text.strip())
    return None if found is None else count(found.group(1), f"A count in {where}")


def parse_utilization(
    text: str, where: str = "the report", presumed: Source = Source.MAPPED
) -> tuple[Header, tuple[Figure, ...]]:
    """Head and figures of a flat ``report_utilization``, with what the part has.

    Args:
        text: of the report.
        where: what to call it in an error.
        presumed: what the figures are where the report does not say the design's state.

    Raises:
        StepError: a text that has no such table.
    """
    header = _header(text, presumed)
    figures: dict[str, Figure] = {}
    columns: dict[str, int] = {}
    for cells in _rows(text):
        stripped = [cell.strip() for cell in cells]
        if "Site Type" in stripped:
            # A table of the die's regions has a column for each of them instead, and as many as the others.
            columns = {heading: i for i, heading in enumerate(stripped)} if "Used" in stripped else {}
            continue
        if not columns or len(stripped) != len(columns):
            continue
        # An asterisk refers to a footnote.
        name = _SITES.get(stripped[columns["Site Type"]].rstrip("*"))
        used = _count(stripped[columns["Used"]], where)
        if name is None or used is None or name in figures:
            continue
        available = _count(stripped[columns["Available"]], where) if "Available" in columns else None
        if name == names.BRAM_18K:
            used = _blocks(used)
            available = None if available is None else _blocks(available)
        figures[name] = Figure(name, used, header.source, _TOOL, header.version, available)
    if names.LUT not in figures:
        raise StepError(f"{where} is no report of the resources used; run Vivado's synthesis again.")
    return header, tuple(figures.values())


def _blocks(tiles: float) -> int:
    return round(tiles * BLOCKS_PER_TILE)


def parse_hierarchy(
    text: str, where: str = "the report", presumed: Source = Source.MAPPED
) -> tuple[Header, tuple[Cell, ...]]:
    """Head and rows of a hierarchical ``report_utilization``, in the report's order.

    The flat report counts shift registers as LUTs that are memory, and so does this.
    Rows in brackets, which hold what a level has beside its instances, are left out.
    The arguments are those of :func:`parse_utilization`.

    Raises:
        StepError: a text that has no such table.
    """
    header = _header(text, presumed)
    columns: dict[str, int] = {}
    found: list[Cell] = []
    for cells in _rows(text):
        stripped = [cell.strip() for cell in cells]
        if "Instance" in stripped and "Module" in stripped:
            columns = {heading: i for i, heading in enumerate(stripped)}
            continue
        if not columns or len(stripped) != len(columns):
            continue
        instance = cells[columns["Instance"]]
        if instance.strip().startswith("("):
            continue
        counts = {heading: _count(stripped[i], where) for heading, i in columns.items()}
        values = {
            names.LUT: counts.get("Total LUTs"),
            names.LUTRAM: _sum(counts.get("LUTRAMs"), counts.get("SRLs")),
            names.FF: counts.get("FFs"),
            names.BRAM_18K: _ram(counts.get("RAMB36"), counts.get("RAMB18")),
            names.URAM: counts.get("URAM"),
            names.DSP: counts.get("DSP Blocks", counts.get("DSP48 Blocks")),
        }
        figures = (
            Figure(name, value, header.source, _TOOL, header.version)
            for name, value in values.items()
            if value is not None
        )
        depth = (len(instance) - len(instance.lstrip())) // 2
        found.append(Cell(instance.strip(), stripped[columns["Module"]], depth, tuple(figures)))
    if not found:
        raise StepError(f"{where} is no hierarchical report of the resources used; run Vivado's synthesis again.")
    return header, tuple(found)


def _sum(one: float | None, other: float | None) -> int | None:
    return None if one is None or other is None else int(one + other)


def _ram(tiles: float | None, halves: float | None) -> int | None:
    return _sum(None if tiles is None else _blocks(tiles), halves)


def parse_timing(
    text: str, where: str = "the report", presumed: Source = Source.MAPPED
) -> tuple[Header, tuple[Figure, ...]]:
    """Head and figures of a ``report_timing_summary``: slack, clock asked for, clock reached.

    The period reached is the one asked for less the worst slack (UG906). It is
    an estimate until the design is routed, and is only given where the design
    has one clock, since the summary does not say which clock the slack is of.
    The arguments are those of :func:`parse_utilization`; the timing reports of
    Vivado 2019 don't say the state, while the utilization report beside does.

    Raises:
        StepError: a text without the design's timing summary.
    """
    header = _header(text, presumed)
    slack = _below(text, "WNS(ns)")
    if slack is None:
        raise StepError(f"{where} has no summary of the design's timing; run Vivado's synthesis again.")
    figures = []
    periods = _periods(text, where)
    if len(periods) == 1:
        figures.append(Figure(names.CLOCK_TARGET_NS, periods[0], header.source, _TOOL, header.version))
    # Vivado writes NA where nothing constrains the design.
    worst = number(slack, f"The worst slack in {where}")
    if worst is not None:
        figures.append(Figure(names.WNS_NS, float(worst), header.source, _TOOL, header.version))
        if len(periods) == 1:
            routed = header.source is Source.ROUTED
            name = names.CLOCK_ACHIEVED_NS if routed else names.CLOCK_ESTIMATE_NS
            # Vivado counts in picoseconds.
            reached = round(periods[0] - worst, 3)
            figures.append(Figure(name, reached, header.source, _TOOL, header.version))
    return header, tuple(figures)


def parse_power(
    text: str, where: str = "the report", presumed: Source = Source.MAPPED
) -> tuple[Header, tuple[Figure, ...]]:
    """Head and figure of a ``report_power``: the whole chip's power in W, as Vivado estimates it (UG907).

    The arguments are those of :func:`parse_utilization`.

    Raises:
        StepError: a text without that power.
    """
    header = _header(text, presumed)
    for cells in _rows(text):
        if len(cells) == 2 and cells[0].strip() == "Total On-Chip Power (W)":
            # Beyond what the part stands, Vivado adds a remark in brackets.
            power = number(cells[1].split("(")[0], f"The power in {where}")
            if power is not None:
                return header, (Figure(names.POWER_W, power, header.source, _TOOL, header.version),)
    raise StepError(f"{where} has no power of the chip; run Vivado's report_power again.")


def _below(text: str, heading: str) -> str | None:
    """The first word of the line two below the one that begins with a heading."""
    lines = text.splitlines()
    for i, line in enumerate(lines[:-2]):
        if line.split()[:1] == [heading]:
            words = lines[i + 2].split()
            return words[0] if words else None
    return None


def _periods(text: str, where: str) -> list[float]:
    """The periods in ns in the table of clocks."""
    periods: list[float] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("Clock ") and "Period(ns)" in line:
            inside = True
        elif inside and line.startswith("---"):
            continue
        elif inside and not line.strip():
            break
        elif inside:
            row = re.fullmatch(r"\s*\S+\s+\{[^}]*\}\s+([0-9.]+)\s+[0-9.]+\s*", line)
            found = None if row is None else period(row.group(1), f"A clock's period in {where}")
            if found is not None:
                periods.append(float(found))
    return periods
