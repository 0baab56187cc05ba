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

from quantunet_hls.compare.cells import Cell, Row
from quantunet_hls.core.errors import UnknownNameError
from quantunet_hls.reports.figure import Figure, Source, Subject, binding
from quantunet_hls.reports.names import FIGURES, kind_of, rank_of
from quantunet_hls.reports.schema import LayerReport, Report

__all__ = ["Comparison", "Design", "compare"]


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
        rows = (self.row(kind.name) for kind in FIGURES.values() if kind.headline)
        return tuple(row for row in rows if any(figure.value or figure.share for figure in row.figures))

    @property
    def every(self) -> tuple[Row, ...]:
        """Every figure: a row for each name, design that it is of, source and tool, the most binding source first."""
        keys = {figure.key for design in self.designs for figure in design.report.figures}
        ranked = sorted(keys, key=lambda key: (key[3], rank_of(key[0]), key[0]))
        ranked.sort(key=lambda key: binding(key[1], key[2]), reverse=True)
        return tuple(self._row(key[0], [_exactly(design.report.figures, key) for design in self.designs])
                     for key in ranked)

    @property
    def layer_tables(self) -> tuple[tuple[Row, ...], ...]:
        """A table for each figure that is told of layers, with a row a layer; see :meth:`layer_rows`."""
        tables = (self.layer_rows(kind.name) for kind in FIGURES.values() if kind.of_layers)
        return tuple(rows for rows in tables if rows)

    def row(self, name: str, source: Source | None = None, subject: Subject | None = None) -> Row:
        """One figure of every report: of the design and from the source that bind most among those the baseline shares.

        Where the baseline shares none, the figure of each report that counts by itself.

        Args:
            name: of the figure.
            source: that it must come from, where the reports have it from there.
            subject: what it must be of, where the reports have it of that.
        """
        shared = self._shared(name, [design.report.figures for design in self.designs], source, subject)
        subject, source = shared or (subject, source)
        return self._row(name, [design.report.figure(name, source, subject)
                                or design.report.figure(name) for design in self.designs])

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
        return max(known[self.baseline] & others, key=lambda pair: binding(*pair), default=None)

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


def _missed(figure: Figure, report: Report) -> bool:
    """Whether a figure is a clock period, and longer than the one that its tool aimed at."""
    aim = kind_of(figure.name).aim
    if not aim:
        return False
    aimed = _exactly(report.figures, (aim, *figure.key[1:]))
    target = aimed.value if aimed is not None else report.target.clock_ns
    return 0 < target < figure.value


def _exactly(figures: Iterable[Figure], key: tuple[str, Subject, Source, str]) -> Figure | None:
    return next((figure for figure in figures if figure.key == key), None)


def _layer_origin(report: Report, name: str, source: Source | None = None,
                  subject: Subject | None = None) -> tuple[Subject, Source, str] | None:
    """Design, source and tool that tell the figure of most layers, the most binding or those given."""
    counts = Counter((figure.subject, figure.source, figure.tool) for layer in report.layers
                     for figure in layer.figures if figure.name == name and source in (None, figure.source)
                     and subject in (None, figure.subject))
    return max(sorted(counts, key=lambda origin: origin[2]),
               key=lambda origin: (binding(*origin[:2]), counts[origin]), default=None)
