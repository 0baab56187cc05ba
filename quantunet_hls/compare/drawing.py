"""SVG that stands in a page: its colours are the page's, its text is text.

matplotlib draws with placeholder colours, which become the page's CSS variables,
so that one drawing fits light and dark. Nothing in it refers to anything outside.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quantunet_hls.compare.cells import Row
from quantunet_hls.core.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "INK", "Plot", "bars", "dots", "logarithmic", "svg", "thousands", "told_of"]

#: How many designs have a colour of their own; more than these are told by their numbers.
COLOURS = 6

#: Colour of lines and of text.
INK = "#010203"

_WIDTH_INCHES = 4.8
_FAINT = "#040506"
_SERIES = tuple(f"#0a0b{number:02x}" for number in range(1, COLOURS + 1))
_MARKERS = "osD^vP"
_PLACEHOLDERS = {INK: "var(--ink)", _FAINT: "var(--line)"} | {
    colour: f"var(--series-{number})" for number, colour in enumerate(_SERIES, start=1)}

_STYLE: Any = {
    "svg.fonttype": "none",
    # Names of designs and layers come from files: a dollar sign in them is a dollar sign.
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9,
    "text.color": INK,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
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


def svg(name: str, height_inches: float, body: Callable[[Axes], None]) -> str:
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


def dots(axes: Axes, points: Sequence[tuple[int, float, float]], designs: int) -> None:
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
            axes.annotate(text, place, xytext=(5, 3), textcoords="offset points", fontsize=7, color=INK)


def bars(axes: Axes, *, labels: Sequence[str], series: Sequence[Sequence[float]], unit: str) -> None:
    """Level bars, a group of them for each label and in it one for each series, in the series' colours."""
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
    thousands(axes.xaxis)


def thousands(axis: Any) -> None:
    """Ticks as 5,000 or 250k, whichever is short."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=4))

    def text(value: float, _: int) -> str:
        if abs(value) >= 1e6:
            return f"{value / 1e6:g}M"
        return f"{value / 1e3:g}k" if abs(value) >= 1e4 else f"{value:,.4g}"

    axis.set_major_formatter(FuncFormatter(text))


def logarithmic(axes: Axes) -> None:
    """Both axes so, with ticks as 0.1, 1, 10."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())


def _short(label: str) -> str:
    label = printable(label)
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def told_of(rows: Sequence[Row]) -> str:
    """Where the rows' figures come from, in a sentence."""
    origins = dict.fromkeys(figure.provenance for row in rows for figure in row.figures)
    return f"{'; '.join(origins)}." if len(origins) < 2 else f"Of different origin: {'; '.join(origins)}."


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
