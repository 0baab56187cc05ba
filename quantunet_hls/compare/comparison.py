"""Designs side by side: for every figure what each has, and how far it is from the baseline's.

Two figures are compared only where both are of the same design, the C++ or the
RTL, and come from the same source; where a report knows a figure of the other
or from another source alone, it is shown, marked, and not compared. Another
tool or another version of the tool is marked as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from quantunet_hls.core.errors import UnknownNameError
from quantunet_hls.reports import names
from quantunet_hls.reports.render import SHORT_UNITS
from quantunet_hls.reports.schema import Figure, LayerReport, Report, Source, Subject

__all__ = ["Cell", "Comparison", "Design", "Mark", "Row", "compare", "origin_of", "pick", "tool_of"]

#: What a person looks at first, in this order.
HEADLINE = (
    names.LUT, names.FF, names.DSP, names.BRAM_18K, names.URAM, names.LUTRAM, names.FIFO_BITS,
    names.INTERVAL_CYCLES_MAX, names.LATENCY_CYCLES_MAX,
    names.CLOCK_TARGET_NS, names.CLOCK_ESTIMATE_NS, names.CLOCK_ACHIEVED_NS, names.FRAMES_PER_S,
    names.POWER_W, names.DICE, names.IOU, names.PIXEL_ACCURACY,
)

#: Figures told of each layer, in this order.
LAYER_FIGURES = (
    names.LUT, names.FF, names.DSP, names.BRAM_18K, names.URAM, names.LUTRAM,
    names.LATENCY_CYCLES_MAX, names.INTERVAL_CYCLES_MAX,
)

_MORE_IS_BETTER = frozenset({names.FRAMES_PER_S, names.DICE, names.IOU, names.PIXEL_ACCURACY, names.WNS_NS})

# Neither better nor worse by themselves.
_NEUTRAL = frozenset({
    names.CLOCK_TARGET_NS, names.AVERAGE_WEIGHT_BITS, names.AVERAGE_ACTIVATION_BITS, names.FRAME_BITS,
    names.COMPILE_SECONDS, names.CSIM_SECONDS_PER_IMAGE, names.NETLIST_CELLS, names.NETLIST_VALUES,
    names.LAYERS_OUTSIDE, names.LAYERS_UNCOUNTED, names.MULTIPLIERS,
})

_HEADINGS = {names.INTERVAL_CYCLES_MAX: "Frame interval", names.LATENCY_CYCLES_MAX: "Latency"}

_RANK = {source: rank for rank, source in enumerate(Source)}

# Where a report knows as much of the C++ as of the RTL, the RTL is what its tool chain builds.
_SUBJECT_RANK = {subject: -rank for rank, subject in enumerate(Subject)}


class Mark(StrEnum):
    """Why a figure is not simply comparable with the baseline's."""

    NONE = ""
    VERSION = "other tool version"
    TOOL = "other tool"
    SOURCE = "other source, not compared"
    SUBJECT = "other design, not compared"


@dataclass(frozen=True)
class Design:
    """One of the designs compared.

    Attributes:
        label: what it is called here, unlike any other.
        report: what is known of it.
        origin: where that was read.
    """

    label: str
    report: Report
    origin: str


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
        if not self.difference or self.figure is None or self.figure.name in _NEUTRAL:
            return None
        return (self.difference > 0) == (self.figure.name in _MORE_IS_BETTER)


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
        return names.TITLES.get(self.name, self.name.replace("_", " ").capitalize())

    @property
    def heading(self) -> str:
        """The title with the unit, as short as a table wants it; seconds stand with each value."""
        title = _HEADINGS.get(self.name, self.title)
        unit = SHORT_UNITS.get(self.unit, self.unit)
        return f"{title} ({unit})" if unit else title

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
        tools = {tool_of(figure) for figure in self.figures}
        return tools.pop() if len(tools) == 1 else None

    @property
    def differs(self) -> bool:
        """Whether one design is not as the baseline is."""
        return any(cell.difference or cell.apart for cell in self.cells)


@dataclass(frozen=True)
class Comparison:
    """Designs side by side.

    Attributes:
        designs: in the order given.
        baseline: index of the one that the others are compared with.
    """

    designs: tuple[Design, ...]
    baseline: int = 0

    @property
    def headline(self) -> tuple[Row, ...]:
        """What a person looks at first: of each figure the most binding that the baseline shares; see :meth:`row`."""
        rows = (self.row(name) for name in HEADLINE)
        return tuple(row for row in rows if any(figure.value or figure.share for figure in row.figures))

    @property
    def every(self) -> tuple[Row, ...]:
        """Every figure: a row for each name, design that it is of, source and tool, the most binding source first."""
        order = {name: rank for rank, name in enumerate(names.UNITS)}
        keys = {figure.key for design in self.designs for figure in design.report.figures}
        ranked = sorted(keys, key=lambda key: (-_RANK[key[2]], -_SUBJECT_RANK[key[1]], key[3],
                                               order.get(key[0], len(order)), key[0]))
        return tuple(self._row(key[0], [_exactly(design.report.figures, key) for design in self.designs])
                     for key in ranked)

    def row(self, name: str, source: Source | None = None, subject: Subject | None = None) -> Row:
        """One figure of every report: of the design and from the source that bind most among those the baseline shares.

        Where the baseline shares none, of each report what :func:`pick` finds.

        Args:
            name: of the figure.
            source: that it must come from, where the reports have it from there.
            subject: what it must be of, where the reports have it of that.
        """
        shared = self._shared(name, [design.report.figures for design in self.designs], source, subject)
        subject, source = shared or (subject, source)
        return self._row(name, [pick(design.report.figures, name, design.report, source, subject)
                                or pick(design.report.figures, name, design.report) for design in self.designs])

    def layer_rows(self, name: str, source: Source | None = None, subject: Subject | None = None) -> tuple[Row, ...]:
        """One figure of every layer, in the networks' order; of one design, source and tool a report, as in `row`."""
        groups = [[figure for layer in design.report.layers for figure in layer.figures] for design in self.designs]
        shared = self._shared(name, groups, source, subject)
        subject, source = shared or (subject, source)
        chosen = [_layer_origin(design.report, name, source, subject) or _layer_origin(design.report, name)
                  for design in self.designs]
        tables = [
            {layer.name: _exactly(layer.figures, (name, *origin)) for layer in design.report.layers} if origin else {}
            for design, origin in zip(self.designs, chosen, strict=True)
        ]
        rows = []
        for layer in self._layers():
            figures = [table.get(layer.name) for table in tables]
            if any(figure is not None for figure in figures):
                rows.append(self._row(name, figures, layer))
        return tuple(rows)

    def differences(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What sets the designs apart besides their figures: title and each design's value."""
        rows: list[tuple[str, list[str]]] = []
        for title, values in self._facts():
            texts = list(values)
            if len(set(texts)) > 1:
                rows.append((title, texts))
        tools = sorted({tool for design in self.designs for tool in design.report.tools})
        for tool in tools:
            versions = [design.report.tools.get(tool, "") for design in self.designs]
            if len(set(versions)) > 1:
                rows.append((f"Version of {tool}", [version or "not used" for version in versions]))
        return tuple((title, tuple(values)) for title, values in rows)

    def _facts(self) -> Iterator[tuple[str, Iterator[str]]]:
        reports = [design.report for design in self.designs]
        yield "Network", (f"{r.network.name} {r.network.sha256[:8]}".strip() for r in reports)
        yield "Image (height, width, channels)", ("x".join(map(str, r.network.input_shape)) or "unknown"
                                                  for r in reports)
        yield "Board", (r.target.board or "none named" for r in reports)
        yield "Part", (r.target.part for r in reports)
        yield "Clock aimed at", (f"{r.target.clock_ns:g} ns" if r.target.clock_ns else "not known" for r in reports)

    def _layers(self) -> list[LayerReport]:
        """Layers of all designs, each once, in an order that keeps every network's own as far as it can."""
        order: list[LayerReport] = []
        known: set[str] = set()
        for design in self.designs:
            place = 0
            for layer in design.report.layers:
                if layer.name in known:
                    place = next(i for i, other in enumerate(order) if other.name == layer.name) + 1
                else:
                    order.insert(place, layer)
                    known.add(layer.name)
                    place += 1
        return order

    def _shared(self, name: str, groups: Sequence[Sequence[Figure]], source: Source | None,
                subject: Subject | None) -> tuple[Subject, Source] | None:
        """Of what and from where the baseline and another know the figure: what binds most, None for nothing."""
        known = [{(figure.subject, figure.source) for figure in figures
                  if figure.name == name and source in (None, figure.source) and subject in (None, figure.subject)}
                 for figures in groups]
        others = set[tuple[Subject, Source]]().union(*(pairs for i, pairs in enumerate(known) if i != self.baseline))
        return max(known[self.baseline] & others, key=_rank, default=None)

    def _row(self, name: str, figures: Sequence[Figure | None], layer: LayerReport | None = None) -> Row:
        reference = figures[self.baseline]
        cells = tuple(Cell(figure, None if i == self.baseline else reference,
                           figure is not None and layer is None and _missed(figure, self.designs[i].report))
                      for i, figure in enumerate(figures))
        return Row(name, cells, layer.name if layer else None, layer.kind if layer else "")


def compare(designs: Sequence[Design], baseline: str | None = None) -> Comparison:
    """Designs against one of them.

    Args:
        designs: at least one.
        baseline: label, name or origin of the one that the others are held against; the first where None.

    Raises:
        UnknownNameError: none of them is called so.
    """
    if baseline is None:
        return Comparison(tuple(designs))
    for i, design in enumerate(designs):
        if baseline in (design.label, design.report.name, design.origin):
            return Comparison(tuple(designs), i)
    raise UnknownNameError("design among those compared", baseline, [design.label for design in designs])


def pick(figures: Iterable[Figure], name: str, report: Report, source: Source | None = None,
         subject: Subject | None = None) -> Figure | None:
    """The figure of that name: from that source, or from the most binding one, and of that design, or the RTL's first.

    Where several tools know it, the one counts whose other figures of the
    report are the most binding, and of an accuracy the hardware's.
    """
    fitting = [figure for figure in figures if figure.name == name and source in (None, figure.source)
               and subject in (None, figure.subject)]

    def rank(figure: Figure) -> tuple[tuple[int, int], int, bool]:
        of_tool = (_RANK[other.source] for other in report.figures
                   if (other.tool, other.subject) == (figure.tool, figure.subject))
        return _rank((figure.subject, figure.source)), max(of_tool, default=0), figure.tool == names.HARDWARE

    return max(fitting, key=rank, default=None)


def _missed(figure: Figure, report: Report) -> bool:
    """Whether a figure is a clock period, and longer than the one that its tool aimed at."""
    if figure.name not in (names.CLOCK_ESTIMATE_NS, names.CLOCK_ACHIEVED_NS):
        return False
    aimed = _exactly(report.figures, (names.CLOCK_TARGET_NS, *figure.key[1:]))
    target = aimed.value if aimed is not None else report.target.clock_ns
    return 0 < target < figure.value


def tool_of(figure: Figure) -> str:
    """The tool with its version."""
    return f"{figure.tool} {figure.tool_version}".strip()


def origin_of(figure: Figure) -> str:
    """Which design it is of, where it comes from, and the tool with its version."""
    return f"{figure.origin}, {tool_of(figure)}"


def _rank(pair: tuple[Subject, Source]) -> tuple[int, int]:
    """How binding it is."""
    subject, source = pair
    return _RANK[source], _SUBJECT_RANK[subject]


def _exactly(figures: Iterable[Figure], key: tuple[str, Subject, Source, str]) -> Figure | None:
    return next((figure for figure in figures if figure.key == key), None)


def _layer_origin(report: Report, name: str, source: Source | None = None,
                  subject: Subject | None = None) -> tuple[Subject, Source, str] | None:
    """Design, source and tool that tell the figure of most layers, the most binding or those given."""
    counts = Counter((figure.subject, figure.source, figure.tool) for layer in report.layers
                     for figure in layer.figures if figure.name == name and source in (None, figure.source)
                     and subject in (None, figure.subject))
    return max(counts, key=lambda origin: (_rank(origin[:2]), counts[origin]), default=None)
