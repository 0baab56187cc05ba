"""Rules that a design must keep: ``lut>+5%``, ``dsp>+0``, ``dice<-0.5``, ``lut>20000``, ``layer:enc0a.lut>+5%``.

A rule says when to fail::

    rule   = [ "layer:" layer "." ] figure [ "@" source ] ( ">" | ">=" | "<" | "<=" ) limit
    limit  = [ "+" | "-" ] number [ "%" ]
    source = "estimate" | "csim" | "csynth" | "cosim" | "rtl_sim" | "mapped" | "routed" | "measured"

A limit with a sign is a change from the baseline: with ``%`` a share of the
baseline's figure, without it in the figure's unit, or for ratios such as Dice
in points (hundredths). A limit without a sign is the figure itself. ``layer:*``
holds every layer that both designs have to the rule.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from quantunet_hls.compare.comparison import Cell, Comparison, Design, Mark, Row, tool_of
from quantunet_hls.errors import ConfigurationError, UnknownNameError
from quantunet_hls.reports import names
from quantunet_hls.reports.render import amount
from quantunet_hls.reports.schema import Figure, Source

__all__ = ["Rule", "Verdict", "judge", "parse_rule"]

_ALIASES = {
    "cycles_per_frame": names.INTERVAL_CYCLES_MAX,
    "latency_cycles": names.LATENCY_CYCLES_MAX,
    "latency_s": names.LATENCY_S_MAX,
    "bram": names.BRAM_18K,
    "fps": names.FRAMES_PER_S,
}

_OPERATORS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SOURCE = re.compile(r"[A-Za-z_]+")
_OPERATOR = re.compile(r"[<>]=?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+")

_EXAMPLE = "write it as in 'lut>+5%', 'dice<-0.5' or 'lut>20000'"


@dataclass(frozen=True)
class Rule:
    """When to fail.

    Attributes:
        text: as it was written.
        figure: name of the figure.
        operator: ">", ">=", "<" or "<=".
        limit: exact; of a percentage, the number in front of the sign.
        change: whether the limit is a change from the baseline.
        percent: whether it is a percentage.
        layer: name of the layer, "*" for all, None for the design as a whole.
        source: that the figure must come from, None for the most binding one that both designs have.
    """

    text: str
    figure: str
    operator: str
    limit: Fraction
    change: bool
    percent: bool
    layer: str | None = None
    source: Source | None = None


@dataclass(frozen=True)
class Verdict:
    """What a rule says of one design, or of one of its layers.

    Attributes:
        rule: the rule.
        design: label of the design.
        layer: name of the layer, None for the design as a whole.
        violated: whether to fail.
        sentence: what was found, for a person.
        notes: what makes the comparison less than plain, such as another tool.
    """

    rule: Rule
    design: str
    layer: str | None
    violated: bool
    sentence: str
    notes: tuple[str, ...] = ()


def parse_rule(text: str) -> Rule:
    """Read a rule; the grammar is that of this module.

    Raises:
        ConfigurationError: for anything else, with the place of the fault.
    """
    place = 0
    layer: str | None = None
    source: Source | None = None

    def refuse(wanted: str) -> ConfigurationError:
        found = f"not {text[place]!r}" if place < len(text) else "and the rule ends"
        return ConfigurationError(
            f"In the rule {text!r}, {wanted} must stand at character {place + 1}, {found}; {_EXAMPLE}.")

    def take(pattern: re.Pattern[str]) -> str:
        nonlocal place
        while place < len(text) and text[place].isspace():
            place += 1
        found = pattern.match(text, place)
        place = found.end() if found else place
        return found.group() if found else ""

    if text.strip().startswith("layer:"):
        # A layer's name may have dots of its own: the figure's name stands behind the last one.
        begin = text.index("layer:") + len("layer:")
        end = _OPERATOR.search(text, begin)
        dot = text.rfind(".", begin, end.start() if end else len(text))
        layer = text[begin:dot].strip() if dot > 0 else ""
        if not layer:
            place = begin
            raise refuse("a layer's name, a dot and a figure's name")
        place = dot + 1
    figure = take(_NAME)
    if not figure:
        raise refuse("a figure's name")
    if take(re.compile("@")):
        named = take(_SOURCE)
        if named.upper() not in Source.__members__:
            place -= len(named)
            raise refuse(f"a source ({', '.join(name.lower() for name in Source.__members__)})")
        source = Source[named.upper()]
    sign_of_rule = take(_OPERATOR)
    if not sign_of_rule:
        raise refuse("one of > >= < <=")
    sign = take(re.compile(r"[+-]"))
    number = take(_NUMBER)
    if not number:
        raise refuse("a number")
    percent = bool(take(re.compile("%")))
    take(re.compile(""))  # the space behind it
    if place < len(text):
        raise refuse("the end")
    if len(number) > 40 or abs(float(number)) > 1e30:
        raise ConfigurationError(f"In the rule {text!r}, {number[:20]} is no number for a limit; {_EXAMPLE}.")
    limit = Fraction(number) * (-1 if sign == "-" else 1)
    return Rule(text, _ALIASES.get(figure, figure), sign_of_rule, limit, bool(sign), percent, layer, source)


def judge(rule: Rule, comparison: Comparison) -> tuple[Verdict, ...]:
    """What a rule says of every design but the baseline; of the baseline where it is alone.

    Raises:
        UnknownNameError: no report has such a figure, or such a layer.
        ConfigurationError: a figure that a design lacks, that comes from another source than the
            baseline's, or a change where there is nothing to compare with.
    """
    alone = len(comparison.designs) == 1
    if alone and rule.change:
        raise ConfigurationError(
            f"The rule {rule.text!r} is about a change, and there is one report only; name a baseline in front of it.")
    verdicts = []
    for row in _rows(rule, comparison):
        for i, (cell, design) in enumerate(zip(row.cells, comparison.designs, strict=True)):
            if i == comparison.baseline and not alone:
                continue
            base = comparison.designs[comparison.baseline]
            if rule.layer == "*" and (cell.figure is None or (cell.baseline is None and rule.change)):
                continue
            verdicts.append(_verdict(rule, row, cell, design, base))
    if not verdicts:
        raise ConfigurationError(
            f"The rule {rule.text!r} is about layers, and the designs have none in common with that figure; "
            "name a layer that both have.")
    return tuple(verdicts)


def _rows(rule: Rule, comparison: Comparison) -> Iterator[Row]:
    if rule.layer is None:
        known = {figure.name for design in comparison.designs for figure in design.report.figures}
        if rule.figure not in known:
            raise UnknownNameError("figure in these reports", rule.figure, known)
        yield comparison.row(rule.figure, rule.source)
        return
    layers = [layer for design in comparison.designs for layer in design.report.layers]
    if rule.layer not in ("*", *(layer.name for layer in layers)):
        raise UnknownNameError("layer in these reports", rule.layer,
                               {layer.name for layer in layers})
    known = {figure.name for layer in layers for figure in layer.figures}
    if rule.figure not in known:
        raise UnknownNameError("figure of a layer in these reports", rule.figure, known)
    for row in comparison.layer_rows(rule.figure):
        if rule.layer in ("*", row.layer):
            yield row


def _verdict(rule: Rule, row: Row, cell: Cell, design: Design, base: Design) -> Verdict:
    figure, reference = cell.figure, cell.baseline
    what = rule.figure if row.layer is None else f"{rule.figure} of layer {row.layer}"
    if figure is None or (rule.source is not None and figure.source is not rule.source):
        where = f" from {rule.source}" if rule.source else ""
        raise ConfigurationError(
            f"The rule {rule.text!r} can't be judged: {design.label} has no {what}{where}; "
            "run the stage that finds it, or drop the rule.")
    notes = []
    if reference is not None and cell.mark is not Mark.NONE:
        notes.append(f"{what} is of different origin: {_origin(figure)} in {design.label}, "
                     f"{_origin(reference)} in {base.label}.")
    if not rule.change:
        limit = _absolute(rule, figure)
        violated = _OPERATORS[rule.operator](_exact(figure.value), limit)
        return Verdict(rule, design.label, row.layer, violated, f"{_told(design, figure, row.layer)}.", tuple(notes))
    if reference is None or cell.mark is Mark.SOURCE:
        reason = (f"{base.label} has no {what}" if reference is None else
                  f"{_origin(figure)} in {design.label} and {_origin(reference)} in {base.label} are not comparable")
        raise ConfigurationError(
            f"The rule {rule.text!r} can't be judged: {reason}; run the same stage for both, "
            "or name a source that both have, as in lut@estimate.")
    value, before = _exact(figure.value), _exact(reference.value)
    limit = abs(before) * rule.limit / 100 if rule.percent else rule.limit
    if not rule.percent and figure.unit == "1":
        limit = rule.limit / 100
    violated = _OPERATORS[rule.operator](value - before, limit)
    return Verdict(rule, design.label, row.layer, violated,
                   f"{_told(design, figure, row.layer)}, {_moved(value, before, figure)} "
                   f"{base.label}'s {amount(reference.value, '1' if figure.unit != 's' else 's')}.", tuple(notes))


def _absolute(rule: Rule, figure: Figure) -> Fraction:
    ratio = figure.unit == "1"
    if rule.percent and not ratio:
        raise ConfigurationError(
            f"The rule {rule.text!r} has a percentage without a sign, and {rule.figure} counts {figure.unit}; "
            f"write +{float(rule.limit):g}% for a change, or a number.")
    if ratio and not rule.percent and rule.limit > 1:
        raise ConfigurationError(
            f"The rule {rule.text!r} can't be met or broken: {rule.figure} is a ratio from 0 to 1; "
            f"write {float(rule.limit) / 100:g} or {float(rule.limit):g}%.")
    return rule.limit / 100 if rule.percent else rule.limit


def _exact(value: float) -> Fraction:
    """The number as a report writes it, without what binary fractions add."""
    return Fraction(str(value))


def _told(design: Design, figure: Figure, layer: str | None) -> str:
    ratio = f"{names.TITLES.get(figure.name, figure.name)} " if figure.unit == "1" else ""
    place = f" in layer {layer}" if layer is not None else ""
    return f"{design.label} has {ratio}{amount(figure.value, figure.unit)}{place} ({_origin(figure)})"


def _moved(value: Fraction, before: Fraction, figure: Figure) -> str:
    if value == before:
        return "as many as" if isinstance(figure.value, int) else "the same as"
    size, way = abs(value - before), "more than" if value > before else "less than"
    if figure.unit == "1":
        return f"{float(size * 100):.3g} points {way}"
    if before:
        return f"{float(size / abs(before)):.3g} times {way}" if size >= 10 * abs(before) else \
            f"{float(100 * size / abs(before)):.3g} % {way}"
    return f"{float(size):g} {way}"


def _origin(figure: Figure) -> str:
    return f"{figure.source}, {tool_of(figure)}"
