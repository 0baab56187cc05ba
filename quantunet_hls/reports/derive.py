"""Figures that follow from others: seconds from cycles, frames a second from the interval, the clock that counts."""

from __future__ import annotations

from collections.abc import Iterable

from quantunet_hls.reports import names
from quantunet_hls.reports.figure import Figure

__all__ = ["reached_ns", "seconds_from_cycles"]


def reached_ns(figures: Iterable[Figure], aimed_ns: float) -> float:
    """Period in ns of the clock that a design runs at: the one aimed at, or what it reaches where that is slower.

    Args:
        figures: of the design; clocks that are estimated or achieved count.
        aimed_ns: 0 where nobody tells.
    """
    return max([aimed_ns, *(figure.value for figure in figures if names.kind_of(figure.name).aim)])


def seconds_from_cycles(figures: Iterable[Figure], clock_ns: float) -> tuple[Figure, ...]:
    """The figures with those that count cycles said in seconds as well, at a clock period in ns.

    The frame rate is that of the longest interval: what is always reached.
    """
    in_seconds = {kind.in_cycles: kind.name for kind in names.FIGURES.values() if kind.in_cycles}
    result: list[Figure] = []
    for figure in figures:
        result.append(figure)
        if figure.name in in_seconds:
            seconds = figure.value * clock_ns * 1e-9
            result.append(_derived(in_seconds[figure.name], seconds, figure))
            if figure.name == names.INTERVAL_CYCLES_MAX and seconds > 0:
                result.append(_derived(names.FRAMES_PER_S, 1 / seconds, figure))
    return tuple(result)


def _derived(name: str, value: float, of: Figure) -> Figure:
    return Figure(name, value, of.source, of.tool, of.tool_version, subject=of.subject)
