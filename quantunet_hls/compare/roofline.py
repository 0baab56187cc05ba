"""The roofline: what a design computes, between what its part computes and what its ports move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from quantunet_hls.compare.comparison import Comparison
from quantunet_hls.compare.drawing import INK, Plot, dots, logarithmic, svg, told_of
from quantunet_hls.reports import names
from quantunet_hls.reports.figure import Figure
from quantunet_hls.reports.schema import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Roofline", "roofline", "roofline_of"]

#: Bits a clock cycle that a design's ports could move: a byte, and the widths of the Zynq's AXI ports.
PORT_BITS = (8, 64, 128)


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
    """Of the part, which is the same for the C++ and for the RTL."""
    return max((figure.available for figure in report.figures
                if figure.name == names.DSP and figure.available is not None), default=None)


def roofline(comparison: Comparison) -> Plot:
    """Where each design stands."""
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
            f"Cycles: {told_of([cycles])}")
    missing = [design.label for i, design in enumerate(comparison.designs) if i not in dict(found)]
    if missing:
        told += f" Not told enough to stand here: {', '.join(missing)}."

    return Plot(title, told, svg(title, 3.2, partial(_draw, found=found, designs=len(comparison.designs))))


def _draw(axes: Axes, *, found: Sequence[tuple[int, Roofline]], designs: int) -> None:
    peaks = sorted({place.peak for _, place in found if place.peak})
    top = 3 * max([place.attained for _, place in found] + peaks)
    bottom = min(place.attained for _, place in found) / 10
    right = 4 * max(place.intensity for _, place in found)
    # Far enough to the left that the widest port's slope is seen to rise.
    left = min(min(place.intensity for _, place in found) / 4, bottom / PORT_BITS[-1])
    logarithmic(axes)
    for number, width in enumerate(PORT_BITS):
        axes.plot([left, right], [left * width, right * width], color=INK, linewidth=0.8, alpha=0.5, zorder=1)
        y = bottom * 1.8 ** (len(PORT_BITS) - number)
        axes.annotate(f"{width} bits", (y / width, y), xytext=(4, -4), textcoords="offset points", fontsize=8,
                      color=INK)
    for number, peak in enumerate(peaks):
        axes.axhline(peak, color=INK, linewidth=1.2, zorder=1)
        # The lowest has its name below the line, for another may be close above it.
        below = number == 0 and len(peaks) > 1
        axes.annotate(f"{peak:,.0f} DSP blocks", (right, peak), xytext=(-2, -3 if below else 3),
                      textcoords="offset points", fontsize=8, ha="right", va="top" if below else "bottom",
                      color=INK)
    dots(axes, [(i, place.intensity, place.attained) for i, place in found], designs)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_xlabel("MACs per bit moved")
    axes.set_ylabel("MACs per cycle")
