"""Pictures of a choice of types: what the values of each layer need of their type, and what each bit cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from quantunet_hls.core.files import writing
from quantunet_hls.tuning.search import Step
from quantunet_hls.types import FixedType

__all__ = ["RangeRow", "Use", "draw_front", "draw_ranges", "use_of"]

_DPI = 130
_SHARES, _FRAME, _CHOSEN, _CHECKED = "Blues", "#c2410c", "#c2410c", "#15803d"
#: Octaves that are shown below the finest step of any type.
_BELOW = 2


@dataclass(frozen=True, eq=False)
class RangeRow:
    """One layer's values and the type that they are cast to.

    Attributes:
        name: of the layer.
        values: before the cast.
        type: of the cast.
    """

    name: str
    values: np.ndarray
    type: FixedType


@dataclass(frozen=True)
class Use:
    """How well values and type suit each other.

    Attributes:
        saturated: share of the values beyond the type's ends.
        vanished: share that is not 0 and becomes 0.
        unused: bits at the top that no value needs.
    """

    saturated: float
    vanished: float
    unused: int


def use_of(values: np.ndarray, kind: FixedType) -> Use:
    """Count what the cast does, with rounding to nearest."""
    values = np.asarray(values, np.float64).reshape(-1)
    codes = np.rint(np.ldexp(values, kind.fraction))
    inside = np.clip(codes, kind.lowest, kind.high)
    most, least = int(inside.max(initial=0)), int(inside.min(initial=0))
    needed = max(most.bit_length(), (-least - 1).bit_length() if least < 0 else 0) + kind.signed
    count = max(values.size, 1)
    return Use(float(np.count_nonzero(codes != inside)) / count,
               float(np.count_nonzero((codes == 0) & (values != 0))) / count, kind.width - max(needed, 1))


def draw_ranges(rows: Sequence[RangeRow], title: str, path: Path) -> None:
    """A line for each layer: how many values lie in each octave, and a frame around the octaves its type holds."""
    octaves = [_octaves(row.values) for row in rows]
    lowest = min([-row.type.fraction for row in rows] + [int(entry.min()) for entry in octaves if entry.size])
    lowest = max(lowest, min(-row.type.fraction for row in rows) - _BELOW)
    highest = max([_top(row.type) for row in rows] + [int(entry.max()) for entry in octaves if entry.size])
    shares = np.zeros((len(rows), highest - lowest + 1))
    for index, (row, entry) in enumerate(zip(rows, octaves, strict=True)):
        counts = np.bincount(np.maximum(entry, lowest) - lowest, minlength=shares.shape[1])
        shares[index] = counts / max(row.values.size, 1)
    figure = Figure(figsize=(9.5, 1.6 + 0.29 * len(rows)), dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, aspect="auto", cmap=matplotlib.colormaps[_SHARES], vmin=0,
                        extent=(lowest - 0.5, highest + 0.5, len(rows) - 0.5, -0.5))
    for index, row in enumerate(rows):
        first, last = -row.type.fraction, _top(row.type)
        axes.add_patch(Rectangle((first - 0.5, index - 0.42), last - first + 1, 0.84, fill=False, edgecolor=_FRAME,
                                 linewidth=1.6))
        use = use_of(row.values, row.type)
        sign = "s" if row.type.signed else "u"
        text = (f"{sign}{row.type.width:<2d}  {_percent(use.saturated):>6}  {_percent(use.vanished):>6}  "
                f"{use.unused:>4d}")
        axes.text(highest + 0.75, index, text, va="center", family="monospace", fontsize=8)
    axes.text(highest + 0.75, -0.75, "type  satur.  to 0  unused", va="bottom", family="monospace", fontsize=8,
              weight="bold")
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=8)
    axes.set_xticks(range(lowest, highest + 1), [f"$2^{{{power}}}$" for power in range(lowest, highest + 1)])
    axes.set_xlabel("size of the value (leftmost: that or less)")
    axes.set_title(f"{title}\nshare of each layer's values by octave; the frame holds the octaves of its type",
                   fontsize=10, loc="left", pad=20)
    figure.colorbar(image, ax=axes, orientation="horizontal", shrink=0.5, aspect=40, pad=0.02,
                    label="share of the layer's values")
    _save(figure, path)


def _octaves(values: np.ndarray) -> np.ndarray:
    nonzero = np.abs(values[values != 0].astype(np.float64))
    return np.floor(np.log2(nonzero)).astype(np.int64)


def _top(kind: FixedType) -> int:
    """Octave of the largest value."""
    return max(kind.high, 1).bit_length() - 1 - kind.fraction


def _percent(share: float) -> str:
    return "0" if share == 0 else f"{100 * share:.2f}%" if share < 0.1 else f"{100 * share:.1f}%"


def draw_front(steps: Sequence[Step[Any]], chosen: int, checked: Sequence[tuple[float, float]], reference: float,
               limit: float, path: Path) -> None:
    """Accuracy against cost over the search.

    Args:
        steps: the way down, each measured on the images of the search.
        chosen: index of the step that was taken.
        checked: cost and loss in Dice points of the designs that were checked on the larger set.
        reference: Dice of the network that it started from, on the images of the search.
        limit: Dice points that may be lost.
        path: where to.
    """
    figure = Figure(figsize=(8, 4.6), dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    costs = np.array([step.point.cost for step in steps])
    losses = np.array([100 * (reference - step.point.dice) for step in steps])
    front = costs[0]
    axes.plot(costs / front, losses, marker=".", color="#1d4ed8", linewidth=1, label="search, one bit a step")
    if checked:
        cost, loss = np.array(checked).T
        axes.plot(cost / front, loss, "D", color=_CHECKED, markersize=5, linestyle="none",
                  label="fitted again, on the larger set")
    axes.axhline(limit, color="0.4", linestyle="--", linewidth=1, label=f"tolerance, {limit:g} points")
    axes.axvline(costs[chosen] / front, color=_CHOSEN, linewidth=1.2,
                 label=f"chosen, step {chosen} of {len(steps) - 1}")
    axes.invert_xaxis()
    axes.set_xlabel("cost by the board's model, start = 1")
    axes.set_ylabel("Dice points lost")
    axes.set_title("Accuracy against cost", loc="left", fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with writing(path) as temporary:
        figure.savefig(temporary, format="png")
