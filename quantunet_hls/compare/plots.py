"""The plots of a comparison's page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from quantunet_hls.compare.cells import Row
from quantunet_hls.compare.comparison import Comparison
from quantunet_hls.compare.drawing import COLOURS, INK, Plot, bars, dots, svg, thousands, told_of
from quantunet_hls.compare.roofline import roofline
from quantunet_hls.reports import names
from quantunet_hls.reports.figure import Subject
from quantunet_hls.reports.names import FIGURES, RATIO, resources

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw", "front"]

_MOST_LAYERS = 80

#: What is drawn of layers where nobody tells the figure itself: the nearest to it.
_INSTEAD = {names.LATENCY_CYCLES_MAX: names.INTERVAL_CYCLES_MAX}


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other beats: none costs less (first) and is worth as much or more (second).

    In ascending order of cost; of equal points the first.
    """
    best, result = -math.inf, []
    for i in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1], i)):
        if points[i][1] > best:
            best = points[i][1]
            result.append(i)
    return result


def draw(comparison: Comparison) -> tuple[Plot, ...]:
    """All plots of the page, in order."""
    return (
        _share(comparison),
        *_layers(comparison),
        *_fronts(comparison),
        roofline(comparison),
    )


def _share(comparison: Comparison) -> Plot:
    title = "Share of the board"
    rows = [row for name in resources() if (row := comparison.row(name)).figures
            and any(figure.share for figure in row.figures)]
    if not rows:
        return Plot(title, "No report here says what its part has.")
    designs = range(len(comparison.designs))
    if len(designs) > COLOURS:
        # A group of bars for each design would not be read: each design is a line of bars instead.
        most = [max((cell.figure.share or 0 for row in rows if (cell := row.cells[i]).figure), default=0)
                for i in designs]
        drawing = svg(title, 0.19 * len(most) + 0.6, partial(bars, labels=[str(i + 1) for i in designs],
                                                          series=[[100 * share for share in most]],
                                                          unit="% of the scarcest resource"))
        told = "The resource of which each design takes most, by the design's number. " + told_of(rows)
        return Plot(title, told, drawing)
    series = [[100 * figure.share if (figure := row.cells[i].figure) and figure.share is not None else math.nan
               for row in rows] for i in designs]
    drawing = svg(title, 0.17 * len(rows) * len(series) + 0.25 * len(rows) + 0.5,
               partial(bars, labels=[row.title for row in rows], series=series, unit="% of the part"))
    return Plot(title, told_of(rows), drawing)


def _layers(comparison: Comparison) -> Iterator[Plot]:
    drawn = range(min(len(comparison.designs), COLOURS))
    for kind in FIGURES.values():
        title = kind.layer_plot
        if not title:
            continue
        # Where nobody tells a layer's latency, the cycles that it takes for a frame are the nearest to it.
        rows: Sequence[Row] = comparison.layer_rows(kind.name) or comparison.layer_rows(_INSTEAD.get(kind.name, ""))
        rows = [row for row in rows if any(figure.value for figure in row.figures)]
        if not rows:
            yield Plot(title, "No report here tells this of its layers.")
            continue
        told = [told_of(rows)]
        if rows[0].name == names.INTERVAL_CYCLES_MAX:
            told.append("Cycles that a layer is busy with a frame; no report here tells a layer's latency itself.")
        if len(rows) > _MOST_LAYERS:
            told.append(f"The {_MOST_LAYERS} largest of {len(rows)} layers; the table has all.")
            largest = sorted(rows, key=lambda row: max(figure.value for figure in row.figures))[-_MOST_LAYERS:]
            rows = [row for row in rows if row in largest]
        if len(drawn) < len(comparison.designs):
            told.append(f"The first {len(drawn)} designs; the table has all.")
        series = [[figure.value if (figure := row.cells[i].figure) else math.nan for row in rows] for i in drawn]
        height = len(rows) * (0.085 * len(drawn) + 0.09) + 0.5
        drawing = svg(title, height, partial(bars, labels=[row.layer or "" for row in rows], series=series,
                                          unit=rows[0].unit))
        yield Plot(title, " ".join(told), drawing)


def _fronts(comparison: Comparison) -> Iterator[Plot]:
    known = {figure.name for design in comparison.designs for figure in design.report.figures}
    accuracies = [kind.name for kind in FIGURES.values() if kind.accuracy and kind.name in known]
    title = "Accuracy against cost"
    if accuracies:
        yield _scatter(comparison, title, names.LUT, accuracies[0])
    else:
        yield Plot(title, "No report here has an accuracy; quantunet-hls accuracy --report writes it into one.")
    yield _scatter(comparison, "Speed against cost", names.LUT, names.FRAMES_PER_S)


def _scatter(comparison: Comparison, title: str, cost_name: str, worth_name: str) -> Plot:
    costs, values = comparison.row(cost_name), comparison.row(worth_name)
    cost, worth = _on_axis(cost_name), _on_axis(worth_name)
    known = [(i, of_cost.figure, of_value.figure) for i, (of_cost, of_value)
             in enumerate(zip(costs.cells, values.cells, strict=True))
             # The cost of the C++ says nothing of what the RTL is worth; what the network is worth, both are.
             if of_cost.figure and of_value.figure and of_value.figure.subject in (of_cost.figure.subject,
                                                                                   Subject.NETWORK)]
    if not known:
        return Plot(title, f"No report here has both {cost} and {worth} of one design.")
    # A line through figures of different origin would compare them.
    sources = {(of_cost.origin, of_value.origin) for _, of_cost, of_value in known}
    best = front([(of_cost.value, of_value.value) for _, of_cost, of_value in known]) if len(sources) == 1 else []
    told = [f"{cost}: {told_of([costs])} {worth}: {told_of([values])}"]
    told.append("The line joins the designs that no other beats in both." if len(best) > 1 else
                "The designs' figures are of different origin, so no front is drawn." if len(sources) > 1 else "")

    def body(axes: Axes) -> None:
        points = [(of_cost.value, of_value.value) for _, of_cost, of_value in known]
        axes.plot([points[i][0] for i in best], [points[i][1] for i in best], color=INK, linewidth=1, alpha=0.6,
                  drawstyle="steps-post", zorder=1)
        dots(axes, [(i, *point) for (i, _, _), point in zip(known, points, strict=True)], len(comparison.designs))
        axes.set_xlabel(cost)
        axes.set_ylabel(worth)
        axes.margins(0.15)
        thousands(axes.xaxis)
        thousands(axes.yaxis)

    return Plot(title, " ".join(filter(None, told)), svg(title, 3.0, body))


def _on_axis(name: str) -> str:
    kind = FIGURES[name]
    return kind.title if kind.unit == RATIO else kind.unit
