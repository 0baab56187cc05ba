"""How numbers are written for people."""

from __future__ import annotations

from quantunet_hls.reports.names import RATIO, FigureKind

__all__ = ["amount", "bare_amount", "heading", "short_unit"]

_PREFIXES = ((1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))

#: What a title says already, and what can be said shorter.
_SHORT = {RATIO: "", "s": "", "LUTs": "", "flip-flops": "", "DSP blocks": "", "multipliers": "",
          "blocks of 18 kbit": "18 kbit", "blocks of 288 kbit": "288 kbit"}


def amount(value: float, unit: str) -> str:
    """A number with its unit, short enough to read: 12,345 LUTs, 1.23 ms, 338.6 frames/s."""
    if unit == "s":
        scale, prefix = next((pair for pair in _PREFIXES if abs(value) >= pair[0]), _PREFIXES[0])
        return f"{value / scale:.4g} {prefix}s"
    whole = isinstance(value, int) or (abs(value) < 1e15 and value.is_integer())
    number = f"{value:,.0f}" if whole or 1000 <= abs(value) < 1e15 else f"{value:,.4g}"
    return number if unit == RATIO else f"{number} {unit}"


def bare_amount(value: float, unit: str) -> str:
    """The number without its unit, which is told beside it; seconds have theirs, for it changes with the size."""
    return amount(value, unit if unit == "s" else RATIO)


def short_unit(unit: str) -> str:
    """What has to stand beside a figure's title, "" where that says the unit or each value has it with it."""
    return _SHORT.get(unit, unit)


def heading(kind: FigureKind) -> str:
    """A figure's title with the unit, as short as a table wants it; seconds stand with each value."""
    title, unit = kind.short_title or kind.title, short_unit(kind.unit)
    return f"{title} ({unit})" if unit else title
