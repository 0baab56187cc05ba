"""Figures that follow from others: seconds from cycles, frames a second from the interval."""

from __future__ import annotations

from collections.abc import Iterable

from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Figure

__all__ = ["seconds_from_cycles"]

_SECONDS = {
    names.LATENCY_CYCLES_MIN: names.LATENCY_S_MIN,
    names.LATENCY_CYCLES_MAX: names.LATENCY_S_MAX,
    names.INTERVAL_CYCLES_MIN: names.INTERVAL_S_MIN,
    names.INTERVAL_CYCLES_MAX: names.INTERVAL_S_MAX,
}


def seconds_from_cycles(figures: Iterable[Figure], clock_ns: float) -> tuple[Figure, ...]:
    """The figures with those that count cycles said in seconds as well, at a clock period in ns.

    The frame rate is that of the longest interval: what is always reached.
    """
    result: list[Figure] = []
    for figure in figures:
        result.append(figure)
        if figure.name in _SECONDS:
            seconds = figure.value * clock_ns * 1e-9
            result.append(Figure(_SECONDS[figure.name], seconds, figure.source, figure.tool, figure.tool_version,
                                 subject=figure.subject))
            if figure.name == names.INTERVAL_CYCLES_MAX and seconds > 0:
                result.append(Figure(names.FRAMES_PER_S, 1 / seconds, figure.source, figure.tool, figure.tool_version,
                                     subject=figure.subject))
    return tuple(result)
