"""Plots of a comparison as SVG that stands in a page: its colours are the page's, its text is text.

matplotlib draws with placeholder colours, which become the page's CSS variables,
so that one drawing fits light and dark. Nothing in it refers to anything outside.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from quantunet_hls import boards
from quantunet_hls.compare.comparison import Comparison, Row, origin_of
from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.core.printable import printable
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Figure, Report, Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "Plot", "Roofline", "draw", "front", "roofline_of"]

#: How many designs have a colour of their own; more than these are told by their numbers.
COLOURS = 6

#: Bits a clock cycle that a design's ports could move: a byte, and the widths of the Zynq's AXI ports.
PORT_BITS = (8, 64, 128)

_WIDTH_INCHES = 4.8
_INK, _FAINT = "#010203", "#040506"
_SERIES = tuple(f"#0a0b{number:02x}" for number in range(1, COLOURS + 1))
_MARKERS = "osD^vP"
_PLACEHOLDERS = {_INK: "var(--ink)", _FAINT: "var(--line)"} | {
    colour: f"var(--series-{number})" for number, colour in enumerate(_SERIES, start=1)}

_STYLE: Any = {
    "svg.fonttype": "none",
    # Names of designs and layers come from files: a dollar sign in them is a dollar sign.
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9,
    "text.color": _INK,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _FAINT,
    "grid.linewidth": 0.6,
}
_LONGEST_LABEL = 22
_MOST_LAYERS = 80
_MOST_NUMBERS = 3


@dataclass(frozen=True)
class Plot:
    """A drawing with its words.

    Attributes:
        title: above it.
        caption: below it: what it shows, of what source, and what is left out.
        svg: the drawing, "" where there is nothing to draw and the caption says why.
    """

    title: str
    caption: str
    svg: str = ""


@dataclass(frozen=True)
class Roofline:
    """Where a design stands between what its part computes and what its ports move.

    Attributes:
        intensity: multiply-accumulates for every bit that enters or leaves in a frame.
        attained: multiply-accumulates in a clock cycle: those of a frame over the cycles of a frame.
        peak: multiply-accumulates in a cycle if every DSP block of the part did one, None where unknown.
        cycles: the figure that the cycles of a frame are from.
    """

    intensity: float
    attained: float
    peak: float | None
    cycles: Figure


def roofline_of(report: Report, cycles: Figure | None) -> Roofline | None:
    """A design's place on the roofline; None where its report lacks operations, bits or cycles of a frame.

    The model is that of Williams, Waterman and Patterson (CACM 52(4), 2009), per
    clock cycle instead of per second. Weights stay on the chip, so a frame moves
    the image and the result only.

    Args:
        report: of the design.
        cycles: from one frame to the next.
    """
    bits = report.figure(names.FRAME_BITS)
    if report.network.macs is None or bits is None or not bits.value or cycles is None or not cycles.value:
        return None
    return Roofline(report.network.macs / bits.value, report.network.macs / cycles.value, _dsp_blocks(report), cycles)


def _dsp_blocks(report: Report) -> float | None:
    used = report.figure(names.DSP)
    if used is not None and used.available:
        return used.available
    if report.target.board is None:
        return None
    try:
        return boards.load(report.target.board).resources.dsp
    except QuantUNetError:
        return None


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
        _roofline(comparison),
    )


def _share(comparison: Comparison) -> Plot:
    title = "Share of the board"
    rows = [row for name in names.RESOURCES if (row := comparison.row(name)).figures
            and any(figure.share for figure in row.figures)]
    if not rows:
        return Plot(title, "No report here says what its part has.")
    designs = range(len(comparison.designs))
    if len(designs) > COLOURS:
        # A group of bars for each design would not be read: each design is a line of bars instead.
        most = [max((cell.figure.share or 0 for row in rows if (cell := row.cells[i]).figure), default=0)
                for i in designs]
        svg = _svg(title, 0.19 * len(most) + 0.6, partial(_bars, labels=[str(i + 1) for i in designs],
                                                          series=[[100 * share for share in most]],
                                                          unit="% of the scarcest resource"))
        return Plot(title, "The resource of which each design takes most, by the design's number. " + _told(rows), svg)
    series = [[100 * figure.share if (figure := row.cells[i].figure) and figure.share is not None else math.nan
               for row in rows] for i in designs]
    svg = _svg(title, 0.17 * len(rows) * len(series) + 0.25 * len(rows) + 0.5,
               partial(_bars, labels=[row.title for row in rows], series=series, unit="% of the part"))
    return Plot(title, _told(rows), svg)


def _layers(comparison: Comparison) -> Iterator[Plot]:
    drawn = range(min(len(comparison.designs), COLOURS))
    for group, title in (((names.LUT,), "LUTs, layer by layer"), ((names.DSP,), "DSP blocks, layer by layer"),
                         ((names.BRAM_18K,), "Memory blocks of 18 kbit, layer by layer"),
                         ((names.LATENCY_CYCLES_MAX, names.INTERVAL_CYCLES_MAX), "Latency, layer by layer")):
        # Where nobody tells a layer's latency, the cycles that it takes for a frame are the nearest to it.
        rows: Sequence[Row] = next((found for name in group if (found := comparison.layer_rows(name))), ())
        rows = [row for row in rows if any(figure.value for figure in row.figures)]
        if not rows:
            yield Plot(title, "No report here tells this of its layers.")
            continue
        told = [_told(rows)]
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
        svg = _svg(title, height, partial(_bars, labels=[row.layer or "" for row in rows], series=series,
                                          unit=rows[0].unit))
        yield Plot(title, " ".join(told), svg)


def _fronts(comparison: Comparison) -> Iterator[Plot]:
    rows = (comparison.row(name) for name in (names.DICE, names.IOU, names.PIXEL_ACCURACY))
    accuracies = [row for row in rows if row.figures]
    title = "Accuracy against cost"
    if accuracies:
        yield _scatter(comparison, title, comparison.row(names.LUT), accuracies[0], "LUTs", accuracies[0].title)
    else:
        yield Plot(title, "No report here has an accuracy; quantunet-hls accuracy --report writes it into one.")
    yield _scatter(comparison, "Speed against cost", comparison.row(names.LUT),
                   comparison.row(names.FRAMES_PER_S), "LUTs", "frames/s")


def _scatter(comparison: Comparison, title: str, costs: Row, values: Row, cost: str, worth: str) -> Plot:
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
    told = [f"{cost}: {_told([costs])} {worth}: {_told([values])}"]
    told.append("The line joins the designs that no other beats in both." if len(best) > 1 else
                "The designs' figures are of different origin, so no front is drawn." if len(sources) > 1 else "")

    def body(axes: Axes) -> None:
        points = [(of_cost.value, of_value.value) for _, of_cost, of_value in known]
        axes.plot([points[i][0] for i in best], [points[i][1] for i in best], color=_INK, linewidth=1, alpha=0.6,
                  drawstyle="steps-post", zorder=1)
        _dots(axes, [(i, *point) for (i, _, _), point in zip(known, points, strict=True)], len(comparison.designs))
        axes.set_xlabel(cost)
        axes.set_ylabel(worth)
        axes.margins(0.15)
        _thousands(axes.xaxis)
        _thousands(axes.yaxis)

    return Plot(title, " ".join(filter(None, told)), _svg(title, 3.0, body))


def _roofline(comparison: Comparison) -> Plot:
    title = "Roofline"
    cycles = comparison.row(names.INTERVAL_CYCLES_MAX)
    found = [(i, place) for i, (design, cell) in enumerate(zip(comparison.designs, cycles.cells, strict=True))
             if (place := roofline_of(design.report, cell.figure)) is not None]
    if not found:
        return Plot(title, "No report here has the operations, the bits and the cycles of a frame.")
    told = ("Up: multiply-accumulates (MACs) in a clock cycle, those of a frame over the cycles from frame to frame. "
            "To the right: MACs for each bit that crosses the design's ports, image in and result out; weights stay on "
            f"the chip. Level lines: every DSP block of the part does one MAC a cycle. Slopes: ports of "
            f"{', '.join(map(str, PORT_BITS[:-1]))} and {PORT_BITS[-1]} bits a cycle. "
            f"Cycles: {_told([cycles])}")
    missing = [design.label for i, design in enumerate(comparison.designs) if i not in dict(found)]
    if missing:
        told += f" Not told enough to stand here: {', '.join(missing)}."

    def body(axes: Axes) -> None:
        peaks = sorted({place.peak for _, place in found if place.peak})
        top = 3 * max([place.attained for _, place in found] + peaks)
        bottom = min(place.attained for _, place in found) / 10
        right = 4 * max(place.intensity for _, place in found)
        # Far enough to the left that the widest port's slope is seen to rise.
        left = min(min(place.intensity for _, place in found) / 4, bottom / PORT_BITS[-1])
        axes.set_xscale("log")
        axes.set_yscale("log")
        for number, width in enumerate(PORT_BITS):
            axes.plot([left, right], [left * width, right * width], color=_INK, linewidth=0.8, alpha=0.5, zorder=1)
            y = bottom * 1.8 ** (len(PORT_BITS) - number)
            axes.annotate(f"{width} bits", (y / width, y), xytext=(4, -4), textcoords="offset points", fontsize=8,
                          color=_INK)
        for number, peak in enumerate(peaks):
            axes.axhline(peak, color=_INK, linewidth=1.2, zorder=1)
            # The lowest has its name below the line, for another may be close above it.
            below = number == 0 and len(peaks) > 1
            axes.annotate(f"{peak:,.0f} DSP blocks", (right, peak), xytext=(-2, -3 if below else 3),
                          textcoords="offset points", fontsize=8, ha="right", va="top" if below else "bottom",
                          color=_INK)
        _dots(axes, [(i, place.intensity, place.attained) for i, place in found], len(comparison.designs))
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(_plain())
            axis.set_minor_formatter(_nothing())
        axes.set_xlabel("MACs per bit moved")
        axes.set_ylabel("MACs per cycle")

    return Plot(title, told, _svg(title, 3.2, body))


def _dots(axes: Axes, points: Sequence[tuple[int, float, float]], designs: int) -> None:
    """A mark a design: of its colour and shape, or with its number where there are too many for that."""
    few = designs <= COLOURS
    # Each smaller than the one before it, so that of two in one place both are seen.
    for i, x, y in points:
        axes.plot([x], [y], linestyle="", marker=_MARKERS[i] if few else "o", markersize=11 - 1.2 * i if few else 5,
                  color=_SERIES[i] if few else _SERIES[0], alpha=0.9, zorder=3)
    if not few:
        numbers: dict[tuple[float, float], list[int]] = {}
        for i, x, y in points:
            numbers.setdefault((x, y), []).append(i + 1)
        for place, found in numbers.items():
            text = ", ".join(map(str, found[:_MOST_NUMBERS]))
            text += f" and {len(found) - _MOST_NUMBERS} more" if len(found) > _MOST_NUMBERS else ""
            axes.annotate(text, place, xytext=(5, 3), textcoords="offset points", fontsize=7, color=_INK)


def _bars(axes: Axes, *, labels: Sequence[str], series: Sequence[Sequence[float]], unit: str) -> None:
    thick = 0.8 / len(series)
    for number, values in enumerate(series):
        places = [row + (number - (len(series) - 1) / 2) * thick for row in range(len(labels))]
        axes.barh(places, [0 if math.isnan(value) else value for value in values], height=0.88 * thick,
                  color=_SERIES[number], linewidth=0)
    axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(unit)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(_locator())
    _thousands(axes.xaxis)


def _locator() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=4)


def _thousands(axis: Any) -> None:
    """Ticks as 5,000 or 250k, whichever is short."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=4))

    def text(value: float, _: int) -> str:
        if abs(value) >= 1e6:
            return f"{value / 1e6:g}M"
        return f"{value / 1e3:g}k" if abs(value) >= 1e4 else f"{value:,.4g}"

    axis.set_major_formatter(FuncFormatter(text))


def _plain() -> Any:
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: f"{value:,g}")


def _nothing() -> Any:
    from matplotlib.ticker import NullFormatter

    return NullFormatter()


def _short(label: str) -> str:
    label = printable(label)
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def _told(rows: Sequence[Row]) -> str:
    """Where the rows' figures come from."""
    origins = dict.fromkeys(origin_of(figure) for row in rows for figure in row.figures)
    return f"{'; '.join(origins)}." if len(origins) < 2 else f"Of different origin: {'; '.join(origins)}."


def _svg(name: str, height_inches: float, body: Callable[[Axes], None]) -> str:
    """Draw and make the result fit to stand in a page."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Canvas

    # The salt makes ids the same every time, and unlike those of the page's other drawings.
    with matplotlib.rc_context(_STYLE | {"svg.hashsalt": name}):
        canvas = Canvas(figsize=(_WIDTH_INCHES, max(height_inches, 1.0)), layout="constrained")
        FigureCanvasSVG(canvas)
        axes = canvas.add_subplot()
        body(axes)
        stream = io.StringIO()
        canvas.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return _for_a_page(stream.getvalue(), name)


def _for_a_page(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    # Groups are never referred to, and their ids would be there once a drawing.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'xlink:href="#', 'href="#', svg)
    head, _, rest = svg.partition(">")
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None
    head = f'<svg {box.group()} role="img" aria-label="{name}"'
    for placeholder, colour in _PLACEHOLDERS.items():
        rest = rest.replace(placeholder, colour)
    return re.sub(r"\n\s*", "\n", f"{head}>{rest}").strip()
